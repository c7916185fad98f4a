/** Asks as the service account that the manifests make a role for. */
import type { KubeApiserver } from '../servers/kube-apiserver.ts';

export type Access = Readonly<{
  verb: string;
  resource: string;
  subresource?: string;
  group?: string;
  name?: string;
  /** Left out: in all of the cluster. */
  namespace?: string;
}>;

/** By the API server's own authorizer (`SelfSubjectAccessReview`). */
export const isAllowed = async ({ ask }: KubeApiserver, access: Access): Promise<boolean> => {
  const { status, body, text } = await ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    as: 'sallyport',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: access },
    },
  });
  if (status !== 201) throw new Error(`The API server does not say: ${text}`);
  const review = body['status'];
  return typeof review === 'object' && review !== null && 'allowed' in review && review.allowed === true;
};
