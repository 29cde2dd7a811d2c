// What a caller catches: one error class, decoded from a call's status in one place.
import { status, type ServiceError } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "./generated/google/rpc/error_details.js";
import { Status } from "./generated/google/rpc/status.js";

const STATUS_DETAILS = "grpc-status-details-bin";

/** A service of the suite, by the short name that its settings use. */
export type Service = "project" | "training" | "prediction";

/** A request field at fault, and what is wrong with it. */
export interface FieldViolation {
  field: string;
  description: string;
}

/**
 * A call that did not succeed. `reason` is stable and upper snake case ("NOTHING_CHANGED"), for programs; `message` is
 * one sentence saying what is wrong and what to do, for people; `metadata` has the message's variable parts.
 */
export class CustomVisionError extends Error {
  constructor(
    readonly reason: string,
    message: string,
    readonly code: status,
    readonly metadata: Readonly<Record<string, string>> = {},
    readonly fieldViolations: readonly FieldViolation[] = [],
  ) {
    super(message);
    this.name = "CustomVisionError";
  }

  /** Whether the same call may succeed later: the service was away, nothing was wrong with the request. */
  get isTransient(): boolean {
    return this.code === status.UNAVAILABLE;
  }
}

/** Returns the failure of a call to `service` at `address` as one of ours. */
export function errorFromCall(error: ServiceError, service: Service, address: string): CustomVisionError {
  const { info, fieldViolations } = readDetails(error);
  if (info !== undefined) {
    return new CustomVisionError(info.reason, error.details, error.code, info.metadata, fieldViolations);
  }
  const place = { service, address };
  if (error.code === status.UNAVAILABLE || isBrokenConnection(error)) {
    return new CustomVisionError("SERVICE_UNREACHABLE", unreachable(service, address), status.UNAVAILABLE, place);
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    const message = `The ${service} service at ${address} did not answer in time. Try again later.`;
    return new CustomVisionError("DEADLINE_EXCEEDED", message, error.code, place);
  }
  const message = `The ${service} service at ${address} failed: ${error.details}`;
  return new CustomVisionError(status[error.code] ?? "UNKNOWN", message, error.code, place);
}

function unreachable(service: Service, address: string): string {
  const setting = `CUSTOMVISION_${service.toUpperCase()}_ADDRESS`;
  return (
    `Nothing answers at ${address}. Start the suite with \`make run\`, ` +
    `or set ${setting} to where the ${service} service runs.`
  );
}

// A server that dies while it answers shows as a reset stream, which grpc-js reports as INTERNAL.
function isBrokenConnection(error: ServiceError): boolean {
  return error.code === status.INTERNAL && error.details.startsWith("Received RST_STREAM");
}

function readDetails(error: ServiceError): { info: ErrorInfo | undefined; fieldViolations: FieldViolation[] } {
  const [trailer] = error.metadata.get(STATUS_DETAILS);
  const details = Buffer.isBuffer(trailer) ? Status.decode(trailer).details : [];
  const find = <Message>(name: string, decode: (bytes: Uint8Array) => Message): Message | undefined => {
    const detail = details.find(({ typeUrl }) => typeUrl.endsWith(`/google.rpc.${name}`));
    return detail && decode(detail.value);
  };
  return {
    info: find("ErrorInfo", ErrorInfo.decode),
    fieldViolations: find("BadRequest", BadRequest.decode)?.fieldViolations ?? [],
  };
}
