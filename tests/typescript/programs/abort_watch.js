// Watches RUN, aborts after the third event, and prints how that ends: `node abort_watch.js RUN`.
import { connect } from "../../../clients/typescript/dist/src/index.js";

const controller = new AbortController();
const client = connect();
try {
  for await (const { sequence } of client.watchTraining(process.argv[2], { signal: controller.signal })) {
    console.log(sequence);
    if (sequence === 3) {
      setTimeout(() => controller.abort(), 10);
    }
  }
} catch (error) {
  console.log(error.name);
}
client.close();
