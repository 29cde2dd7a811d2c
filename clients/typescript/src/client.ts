// The client: a connection to each of the three services.
import { Client as GrpcClient, credentials, status, type ChannelCredentials, type ClientOptions } from "@grpc/grpc-js";
import { callsOf, type Calls } from "./calls.js";
import { CustomVisionError, type Service } from "./errors.js";
import { PredictionServiceService } from "./generated/customvision/v1/prediction_service.js";
import { ProjectServiceService } from "./generated/customvision/v1/project_service.js";
import type { Project } from "./generated/customvision/v1/projects.js";
import { TrainingServiceService, type TrainingEvent } from "./generated/customvision/v1/training_service.js";
import { waitUntilServed, type Publication } from "./serving.js";
import { completeSettings, type Settings } from "./settings.js";
import { watchTraining, type WatchOptions } from "./watch.js";

// A policy covers calls that have not begun to answer; a stream that breaks later is resumed by watchTraining. Its waits
// outlast those of connections that are reset as they open. gRPC makes no more than five attempts.
const SERVICE_CONFIG = {
  loadBalancingConfig: [],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.1s",
        maxBackoff: "1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};
const OPTIONS: ClientOptions = {
  "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
  "grpc.max_receive_message_length": 32 * 1024 * 1024,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.use_local_subchannel_pool": 1,
  // A proxy for the internet is not meant for the services of a suite.
  "grpc.enable_http_proxy": 0,
};

/** Settings, and how to secure the connections: plain where it is not said. */
export interface ConnectOptions extends Partial<Settings> {
  credentials?: ChannelCredentials;
}

/** A connection to the suite. Every call may throw CustomVisionError. */
export interface Client {
  /** Projects, tags, images, iterations, published models, stored predictions. */
  readonly project: Calls<ProjectServiceService>;
  /** Training runs, their evaluation and export. */
  readonly training: Calls<TrainingServiceService>;
  /** Predictions and the models that answer them. */
  readonly prediction: Calls<PredictionServiceService>;
  /** Returns the project with exactly this name. Throws PROJECT_NOT_FOUND, or PROJECT_NAME_AMBIGUOUS with the ids. */
  findProject(name: string): Promise<Project>;
  /** Yields the events of a run, each once and in order, through broken connections, up to the final one. */
  watchTraining(trainingRunId: string, options?: WatchOptions): AsyncIterable<TrainingEvent>;
  /** Returns once predictions are answered by the published iteration. */
  waitUntilServed(publication: Publication, options?: { timeoutSeconds?: number }): Promise<void>;
  /** Closes the connections; calls under way are finished. */
  close(): void;
}

type Header = [name: string, key: string];

/** Returns a client; what `options` leave out comes from the environment. Connects with the first call. */
export function connect(options: ConnectOptions = {}): Client {
  const settings = completeSettings(options);
  const open = (address: string): GrpcClient =>
    new GrpcClient(address, options.credentials ?? credentials.createInsecure(), OPTIONS);
  const target = (service: Service, address: string, headers: Record<string, string>) => ({
    service, address, headers, client: open(address),
  });
  const keys: Header[] = [
    ["training-key", settings.trainingKey],
    ["prediction-key", settings.predictionKey],
  ];
  const targets = {
    project: target("project", settings.projectAddress, firstOf(keys)),
    training: target("training", settings.trainingAddress, firstOf(keys)),
    prediction: target("prediction", settings.predictionAddress, firstOf(keys.toReversed())),
  };
  const project = callsOf(ProjectServiceService, targets.project);
  const training = callsOf(TrainingServiceService, targets.training);
  const prediction = callsOf(PredictionServiceService, targets.prediction);
  return {
    project,
    training,
    prediction,
    findProject: (name) => findProject(project, name),
    watchTraining: (trainingRunId, watchOptions) => watchTraining(training, trainingRunId, watchOptions),
    waitUntilServed: (publication, waitOptions) => waitUntilServed(prediction, publication, waitOptions),
    close: () => Object.values(targets).forEach(({ client }) => client.close()),
  };
}

// The one key that opens the most, or the least: a service is shown no more than it needs.
function firstOf(keys: Header[]): Record<string, string> {
  return Object.fromEntries(keys.filter(([, key]) => key).slice(0, 1));
}

async function findProject(calls: Calls<ProjectServiceService>, name: string): Promise<Project> {
  const { projects } = await calls.listProjects({ name });
  const [project] = projects;
  if (project === undefined) {
    throw new CustomVisionError("PROJECT_NOT_FOUND", `There is no project '${name}'.`, status.NOT_FOUND, { name });
  }
  if (projects.length > 1) {
    const ids = projects.map(({ projectId }) => projectId).join(", ");
    const message = `${projects.length} projects are named '${name}'. Use the id instead, one of: ${ids}.`;
    throw new CustomVisionError("PROJECT_NAME_AMBIGUOUS", message, status.FAILED_PRECONDITION, { name });
  }
  return project;
}
