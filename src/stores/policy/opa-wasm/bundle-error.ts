/** What is wrong with a bundle, for whoever made it. */
export class BundleError extends Error {
  override name = 'BundleError';
}
