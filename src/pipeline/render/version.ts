/**
 * The digest of the renderer's module, as render-wasm/dist/renderer.sha256 has it. It is a part of what a Unit's inputs
 * are: with another renderer everything is rendered once more, so that what it does better takes effect.
 */
export const rendererVersion = '3ca6ffce36b30f816d47c63c69c5abb5b6cc90e72f58f3468f7d70fdfcb5e95b';
