/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = '1958741665b5ef9254245d323885ee73c46195c4d1bea715d2df17480ccfbfd8';
