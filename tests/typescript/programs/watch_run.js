// Prints the sequence of every event of RUN after AFTER: `node watch_run.js RUN AFTER`.
import { connect } from "../../../clients/typescript/dist/src/index.js";

const [trainingRunId, after] = process.argv.slice(2);
const client = connect();
for await (const event of client.watchTraining(trainingRunId, { afterSequence: Number(after) })) {
  console.log(event.sequence);
}
client.close();
