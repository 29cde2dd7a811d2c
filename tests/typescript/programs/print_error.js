// Calls METHOD of SERVICE with REQUEST (JSON) and prints the error as JSON: `node print_error.js SERVICE METHOD REQUEST`.
import { connect } from "../../../clients/typescript/dist/src/index.js";

const [service, method, request] = process.argv.slice(2);
const client = connect();
try {
  console.log(JSON.stringify({ answer: await client[service][method](JSON.parse(request)) }));
} catch ({ reason, message, code, metadata, fieldViolations, isTransient }) {
  console.log(JSON.stringify({ reason, message, code, metadata, fieldViolations, isTransient }));
}
client.close();
