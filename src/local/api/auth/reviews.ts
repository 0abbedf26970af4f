/** Kinds that are questions: created, answered, and not stored. Also the token subresource of service accounts. */
import type { TokenRequest, TokenReview } from "../../../kube/kinds.ts";
import { FieldErrors, invalid, methodNotAllowed, notFound } from "../errors.ts";
import type { IncomingObject, StoredObject } from "../object.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import { keyOf, type Store } from "../store/store.ts";
import type { UserInfo, WriteContext } from "../verbs/state.ts";
import type { Authorizer, ResourceAttributes } from "./authorizer.ts";
import { ISSUER, type Tokens } from "./tokens.ts";

interface AccessReviewSpec {
  user?: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { path?: string; verb?: string };
}

export class Reviews {
  readonly #store: Store;
  readonly #tokens: Tokens;
  readonly #authorizer: Authorizer;

  constructor(store: Store, tokens: Tokens, authorizer: Authorizer) {
    this.#store = store;
    this.#tokens = tokens;
    this.#authorizer = authorizer;
  }

  /** The question with its answer in `status`. */
  async answer(
    context: WriteContext,
    definition: ResourceDefinition,
    question: IncomingObject,
  ): Promise<StoredObject> {
    const status = await this.#status(context.user, definition, question);
    return { ...question, status } as unknown as StoredObject;
  }

  async #status(user: UserInfo, definition: ResourceDefinition, question: IncomingObject): Promise<unknown> {
    switch (definition.kind) {
      case "TokenReview":
        return await this.#reviewToken(question as unknown as TokenReview);
      case "SelfSubjectReview":
        return { userInfo: user };
      case "SelfSubjectAccessReview":
        return this.#authorizer.review(user, question["spec"] as AccessReviewSpec);
      case "SubjectAccessReview":
      case "LocalSubjectAccessReview": {
        const spec = question["spec"] as AccessReviewSpec;
        return this.#authorizer.review({ username: spec.user ?? "", groups: spec.groups ?? [] }, spec);
      }
      case "SelfSubjectRulesReview":
        return this.#authorizer.rules(user, (question["spec"] as { namespace?: string }).namespace ?? "");
      default:
        throw methodNotAllowed();
    }
  }

  async #reviewToken(review: TokenReview): Promise<unknown> {
    const audiences = review.spec.audiences ?? [];
    const verified = await this.#tokens.verify(
      review.spec.token ?? "",
      audiences.length === 0 ? [ISSUER] : audiences,
    );
    if (typeof verified === "string") return { user: {}, error: verified };
    return { authenticated: true, user: verified.user, audiences: verified.audiences };
  }

  /** serviceaccounts/NAME/token. */
  async issueToken(
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    request: TokenRequest,
  ): Promise<StoredObject> {
    const account = this.#store.get("/serviceaccounts", keyOf(namespace, name));
    if (account === undefined) throw notFound(definition, name);
    const spec = request.spec ?? { audiences: [] };
    const errors = new FieldErrors();
    const expirationSeconds = spec.expirationSeconds ?? 3600;
    if (expirationSeconds < 600) {
      errors.invalid(
        "spec.expirationSeconds",
        expirationSeconds,
        "may not specify a duration less than 10 minutes",
      );
    }
    const bound = spec.boundObjectRef;
    let pod: StoredObject | undefined;
    let secret: StoredObject | undefined;
    if (bound !== undefined) {
      const resource = bound.kind === "Pod" ? "/pods" : bound.kind === "Secret" ? "/secrets" : undefined;
      if (resource === undefined) {
        errors.invalid("spec.boundObjectRef.kind", bound.kind, "must be Pod or Secret");
      } else {
        const object = this.#store.get(resource, keyOf(namespace, bound.name ?? ""));
        if (object === undefined) {
          throw notFound(
            { group: "", plural: resource.slice(1), kind: bound.kind! },
            bound.name ?? "",
          );
        }
        if (bound.uid && bound.uid !== object.metadata.uid) {
          errors.invalid("spec.boundObjectRef.uid", bound.uid, "does not match the uid of the bound object");
        }
        if (resource === "/pods") pod = object;
        else secret = object;
      }
    }
    if (errors.errors.length > 0) {
      const resource = { group: "authentication.k8s.io", plural: "tokenrequests", kind: "TokenRequest" };
      throw invalid(resource, name, errors.errors);
    }
    const audiences = (spec.audiences ?? []).length === 0 ? [ISSUER] : spec.audiences;
    const { token, expires } = await this.#tokens.issue({
      account,
      audiences,
      expirationSeconds,
      pod,
      secret,
    });
    return {
      ...request,
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { ...request.metadata, name, namespace },
      spec: { ...spec, audiences, expirationSeconds },
      status: { token, expirationTimestamp: expires.toISOString().replace(/\.\d+/, "") },
    } as unknown as StoredObject;
  }
}
