// Trains a project (or attaches to a run), follows it live, publishes the result and classifies an image with it:
//   npm run example -- --project NAME IMAGE
//   npm run example -- --project NAME --run ID IMAGE
// Addresses and keys come from the environment, as for the suite; see README.md.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  connect,
  CustomVisionError,
  TrainingPhase,
  TrainingState,
  type Client,
  type TrainingEvent,
} from "../src/index.js";

const USAGE = "Usage: npm run example -- --project NAME [--run ID] [--publish-name NAME] IMAGE";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      project: { type: "string" },
      run: { type: "string" },
      "publish-name": { type: "string", default: "production" },
    },
    allowPositionals: true,
  });
  const [image] = positionals;
  if (values.project === undefined || image === undefined || positionals.length > 1) {
    throw new Error(USAGE);
  }
  const imageData = await readFile(image);
  const client = connect();
  try {
    const { projectId } = await client.findProject(values.project);
    const trainingRunId = values.run ?? (await client.training.startTraining({ projectId, force: true })).trainingRunId;
    await follow(client, trainingRunId);

    const { iterationId } = await client.training.getTrainingRun({ trainingRunId });
    const publishName = values["publish-name"];
    await client.project.publishIteration({ projectId, iterationId, publishName, overwrite: true });
    await client.waitUntilServed({ projectId, publishName, iterationId });

    const { predictions } = await client.prediction.predict({ projectId, publishName, imageData });
    predictions.forEach(({ tagName, probability }) => console.log(`${tagName}\t${probability.toFixed(4)}`));
  } finally {
    client.close();
  }
}

async function follow(client: Client, trainingRunId: string): Promise<void> {
  console.log(`run ${trainingRunId}`);
  for await (const event of client.watchTraining(trainingRunId)) {
    console.log(`${event.sequence}\t${describe(event)}`);
    if (event.state === TrainingState.FAILED || event.state === TrainingState.CANCELLED) {
      throw new Error("There is no model to publish.");
    }
  }
}

function describe({ state, detail }: TrainingEvent): string {
  switch (detail?.$case) {
    case "progress": {
      const { phase, done, total } = detail.value;
      return `${TrainingPhase[phase]} ${done}${total > 0 ? `/${total}` : ""}`;
    }
    case "metrics": {
      const { precision, recall, averagePrecision: average } = detail.value;
      return `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, average precision ${average.toFixed(3)}`;
    }
    case "fineTuning": {
      const { epoch, epochs, loss, heldOutAccuracy } = detail.value;
      const measured = heldOutAccuracy === undefined ? "" : `, held-out accuracy ${heldOutAccuracy.toFixed(3)}`;
      return `epoch ${epoch}/${epochs}, loss ${loss.toFixed(3)}${measured}`;
    }
    case "warning":
      return `warning: ${detail.value}`;
    case "stateChange":
      return `${TrainingState[state]} ${detail.value.reason}`.trimEnd();
    default:
      return `${TrainingState[state]}`;
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof CustomVisionError ? `${error.reason}: ${error.message}` : String(error));
  process.exitCode = 1;
});
