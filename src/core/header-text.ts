/** Visible ASCII with spaces inside (RFC 9110 section 5.5, without obs-text): what every server reads as it was written. */
const visible = /^[\u0021-\u007e](?:[\u0020-\u007e]*[\u0021-\u007e])?$/;

export const isHeaderText = (text: string): boolean => visible.test(text);
