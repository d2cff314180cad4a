/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = 'c672383c2a682a3231e925fe5c7b848d1d4bf803bfafb4f8a2ef5ed81be1b2d1';
