/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = '55d6da979b2585a438226714e0ca7af03406ad9be0337cd044e6dfa51f63f0c8';
