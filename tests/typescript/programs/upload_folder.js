// Makes the project NAME with the photos of FOLDER, one sub-folder per tag, over one stream: `node upload_folder.js NAME FOLDER`.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../../clients/typescript/dist/src/index.js";

const [name, folder] = process.argv.slice(2);
const client = connect();
const { projectId } = await client.project.createProject({ name });

async function* images() {
  yield { payload: { $case: "header", value: { projectId, tagIds: [], metadata: {} } } };
  for (const tagName of await readdir(folder)) {
    const { tagId } = await client.project.createTag({ projectId, name: tagName });
    for (const fileName of await readdir(join(folder, tagName))) {
      const imageData = await readFile(join(folder, tagName, fileName));
      yield { payload: { $case: "image", value: { imageData, tagIds: [tagId], fileName, metadata: {} } } };
    }
  }
}

const { createdCount, duplicateCount, failedCount } = await client.project.uploadImages(images());
console.log(JSON.stringify({ createdCount, duplicateCount, failedCount }));
client.close();
