/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = '9860777d4847030d957e0dcfab31ac7c072ac75e8f73bbe8e0fbe485c1c2d516';
