/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = 'e4b94be57952f4d4404a977b87663637e2f421719ba9ac27f111cbfb61010246';
