// Uploads images for as long as the service takes them, and prints how that ends.
import { connect } from "../../../clients/typescript/dist/src/index.js";

const imageData = Buffer.alloc(1024 * 1024);
const client = connect();
let stop;
const stopped = new Promise((resolve) => (stop = resolve));

async function* images() {
  try {
    while (true) {
      yield { payload: { $case: "image", value: { imageData, tagIds: [], fileName: "", metadata: {} } } };
    }
  } finally {
    stop();
  }
}

const failure = await client.project.uploadImages(images()).catch((error) => error);
await stopped;
console.log("stopped");
console.log(failure.reason);
client.close();
