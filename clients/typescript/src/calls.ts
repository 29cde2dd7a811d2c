// The generated services as functions: requests may leave fields out, answers are promises and streams async iterables.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  Client,
  Metadata,
  type CallOptions as GrpcCallOptions,
  type ClientDuplexStream,
  type ClientWritableStream,
  type ServiceError,
} from "@grpc/grpc-js";
import { errorFromCall, type Service } from "./errors.js";

const DEFAULT_TIMEOUT_SECONDS = 30;

/** How to make one call. */
export interface CallOptions {
  /** Seconds until the call fails with DEADLINE_EXCEEDED; 30 for calls with one request and one answer, else none. */
  timeoutSeconds?: number;
  /** Ends the call when it is aborted; the call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Request;
  readonly responseDeserialize: (value: Buffer) => Response;
}
// Request and Response stand on both sides of these functions, so that only `any` admits every method.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyMethod = Method<any, any>;
type RequestOf<M extends AnyMethod> = Partial<Parameters<M["requestSerialize"]>[0]>;
type ResponseOf<M extends AnyMethod> = ReturnType<M["responseDeserialize"]>;

/** A method as a function: by its kind, one request or many, one answer or many. Fields left out have their default. */
export type Call<M extends AnyMethod> = (
  request: M["requestStream"] extends true ? Requests<RequestOf<M>> : RequestOf<M>,
  options?: CallOptions,
) => M["responseStream"] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>;

/** Every method of a generated service definition, as a function. */
export type Calls<Definition> = {
  readonly [Name in keyof Definition]: Definition[Name] extends AnyMethod ? Call<Definition[Name]> : never;
};

/** Requests of a stream, given as they are asked for. */
export type Requests<Request> = Iterable<Request> | AsyncIterable<Request>;

/** Where calls go and what they carry. */
export interface Target {
  readonly service: Service;
  readonly address: string;
  readonly client: Client;
  /** Metadata of every call. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Returns the methods of `definition` as functions that call `target`. They throw CustomVisionError. */
export function callsOf<Definition extends object>(definition: Definition, target: Target): Calls<Definition> {
  const calls = Object.entries(definition).map(([name, method]: [string, AnyMethod]) => [name, callOf(method, target)]);
  return Object.fromEntries(calls) as Calls<Definition>;
}

function callOf(method: AnyMethod, target: Target): unknown {
  if (method.requestStream) {
    return method.responseStream
      ? (requests: Requests<object>, options: CallOptions = {}) => converse(method, target, requests, options)
      : (requests: Requests<object>, options: CallOptions = {}) => sendAll(method, target, requests, options);
  }
  return method.responseStream
    ? (request: object, options: CallOptions = {}) => receiveAll(method, target, request, options)
    : (request: object, options: CallOptions = {}) => callOnce(method, target, request, options);
}

function callOnce(method: AnyMethod, target: Target, request: object, options: CallOptions): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  const callOptions = grpcOptions({ timeoutSeconds: DEFAULT_TIMEOUT_SECONDS, ...options });
  return new Promise((resolve, reject) => {
    const message = complete(method, request);
    const answered = settle(target, options, resolve, reject);
    const call = target.client.makeUnaryRequest(
      path, requestSerialize, responseDeserialize, message, metadataOf(target), callOptions, answered,
    );
    cancelOnAbort(call, options.signal);
  });
}

async function* receiveAll(method: AnyMethod, target: Target, request: object, options: CallOptions) {
  const { path, requestSerialize, responseDeserialize } = method;
  const message = complete(method, request);
  const stream = target.client.makeServerStreamRequest(
    path, requestSerialize, responseDeserialize, message, metadataOf(target), grpcOptions(options),
  );
  // An error that comes after the reader has left has nobody to tell.
  stream.on("error", () => {});
  cancelOnAbort(stream, options.signal);
  try {
    yield* stream;
  } catch (error) {
    throw failure(error as ServiceError, target, options);
  } finally {
    stream.cancel();
  }
}

function sendAll(
  method: AnyMethod, target: Target, requests: Requests<object>, options: CallOptions,
): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    const answered = settle(target, options, resolve, reject);
    const stream = target.client.makeClientStreamRequest(
      path, requestSerialize, responseDeserialize, metadataOf(target), grpcOptions(options), answered,
    );
    cancelOnAbort(stream, options.signal);
    pour(method, stream, requests).catch((error: unknown) => {
      stream.cancel();
      reject(error);
    });
  });
}

async function* converse(method: AnyMethod, target: Target, requests: Requests<object>, options: CallOptions) {
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = target.client.makeBidiStreamRequest(
    path, requestSerialize, responseDeserialize, metadataOf(target), grpcOptions(options),
  );
  // An error that comes after the reader has left has nobody to tell.
  stream.on("error", () => {});
  cancelOnAbort(stream, options.signal);
  let problem: { error: unknown } | undefined;
  pour(method, stream, requests).catch((error: unknown) => {
    problem = { error };
    stream.cancel();
  });
  try {
    yield* stream;
  } catch (error) {
    throw problem ? problem.error : failure(error as ServiceError, target, options);
  } finally {
    stream.cancel();
  }
}

// Gives the stream what it can take, and stops where the service has answered before the end.
async function pour(
  method: AnyMethod,
  stream: ClientWritableStream<object> | ClientDuplexStream<object, unknown>,
  requests: Requests<object>,
): Promise<void> {
  let over = false;
  const end = once(stream, "status").then(() => (over = true));
  for await (const request of requests) {
    if (!over && !stream.write(complete(method, request))) {
      await Promise.race([once(stream, "drain"), end]);
    }
    if (over) {
      return;
    }
  }
  stream.end();
}

// Fields that were left out get their defaults; a request_id makes the call safe for the retry policy to repeat.
function complete(method: AnyMethod, request: object): Record<string, unknown> {
  const message = { ...method.requestDeserialize(Buffer.alloc(0)), ...request };
  return message.requestId === "" ? { ...message, requestId: randomUUID() } : message;
}

type Resolve = (answer: unknown) => void;
type Reject = (error: unknown) => void;

function settle(target: Target, options: CallOptions, resolve: Resolve, reject: Reject) {
  return (error: ServiceError | null, answer?: unknown): void =>
    error ? reject(failure(error, target, options)) : resolve(answer);
}

function failure(error: ServiceError, target: Target, { signal }: CallOptions): unknown {
  return signal?.aborted ? signal.reason : errorFromCall(error, target.service, target.address);
}

function metadataOf(target: Target): Metadata {
  const metadata = new Metadata();
  Object.entries(target.headers).forEach(([name, value]) => metadata.set(name, value));
  return metadata;
}

function grpcOptions({ timeoutSeconds }: CallOptions): GrpcCallOptions {
  return timeoutSeconds === undefined ? {} : { deadline: Date.now() + timeoutSeconds * 1000 };
}

interface Cancellable {
  cancel(): void;
  once(event: "status", listener: () => void): unknown;
}

function cancelOnAbort(call: Cancellable, signal?: AbortSignal): void {
  const cancel = (): void => call.cancel();
  if (signal?.aborted) {
    cancel();
  }
  signal?.addEventListener("abort", cancel, { once: true });
  call.once("status", () => signal?.removeEventListener("abort", cancel));
}
