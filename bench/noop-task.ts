/** A task of one step that does nothing, as a module. */
export const noop: { handleTimeoutTask: () => boolean } = { handleTimeoutTask: () => true };
