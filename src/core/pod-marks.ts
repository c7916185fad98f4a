/** How our pods and Services are known in the cluster: to whoever makes them, watches them and takes them away. */

/** On every one of them, whatever its template says. */
export const podLabels = {
  app: 'paygress-provisioned',
  'payment-verified': 'true',
  'app.kubernetes.io/managed-by': 'sallyport',
} as const;

/** What is watched: no template can have these otherwise. */
export const podSelector = Object.entries(podLabels)
  .map(([label, value]) => `${label}=${value}`)
  .join(',');

/** Has the pod's name: what its Service selects by. */
export const instanceLabel = 'app.kubernetes.io/instance';

/** `amount` is with its unit, `expires` RFC 3339: all of them as they were when the object was created. */
export const podAnnotations = {
  payment: 'sallyport.dev/payment',
  amount: 'sallyport.dev/amount',
  expires: 'sallyport.dev/expires',
  template: 'sallyport.dev/template',
} as const;
