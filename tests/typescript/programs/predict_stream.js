// Asks one question after the other over one stream, each once the one before is answered, and prints the answers.
import { connect } from "../../../clients/typescript/dist/src/index.js";

const sizes = process.argv.slice(2).map(Number);
const client = connect();
let answered = () => {};

async function* questions() {
  for (const [index, size] of sizes.entries()) {
    const question = {
      projectId: "p", publishName: "", iterationId: "", imageData: Buffer.alloc(size), imageUrl: "", store: false, application: "",
    };
    const answer = new Promise((resolve) => (answered = resolve));
    yield { requestId: `question ${index}`, question };
    await answer;
  }
}

for await (const { requestId, outcome } of client.prediction.predictStream(questions())) {
  const { $case, value } = outcome;
  console.log(requestId, $case === "response" ? value.predictions[0].probability.toFixed(4) : value.reason);
  answered();
}
client.close();
