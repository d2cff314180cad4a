/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = '1362448c7cc666feafe1f9927715ce3734179336eba6b73bd10db9a35e3131c2';
