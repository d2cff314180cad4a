/** Under which annotations a person's wishes stand in the resource of a Unit, whatever its kind. */

/** The digest of the one plan that a person approved. */
export const approvalAnnotation = 'trueup.dev/approved-plan';
export const approvedByAnnotation = 'trueup.dev/approved-by';
export const approvedAtAnnotation = 'trueup.dev/approved-at';
/** `2026-01-02T03:04:05Z by ada`: what began then is to end, and no other one is ever hit. */
export const terminateAnnotation = 'trueup.dev/terminate';
export const pruneAnnotation = 'trueup.dev/prune';
