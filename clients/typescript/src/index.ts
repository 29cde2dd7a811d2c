// What users of the package import.
export { connect, type Client, type ConnectOptions } from "./client.js";
export type { Call, CallOptions, Calls, Requests } from "./calls.js";
export { CustomVisionError, type FieldViolation, type Service } from "./errors.js";
export type { Publication } from "./serving.js";
export type { Settings } from "./settings.js";
export { isFinal, type WatchOptions } from "./watch.js";
export * from "./generated/customvision/v1/artifacts.js";
export * from "./generated/customvision/v1/images.js";
export * from "./generated/customvision/v1/iterations.js";
export * from "./generated/customvision/v1/prediction_service.js";
export * from "./generated/customvision/v1/project_service.js";
export * from "./generated/customvision/v1/projects.js";
export * from "./generated/customvision/v1/stored_predictions.js";
export * from "./generated/customvision/v1/tags.js";
export * from "./generated/customvision/v1/training_service.js";
