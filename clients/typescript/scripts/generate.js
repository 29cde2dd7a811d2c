// Generates src/generated from the protos: `npm run generate`, or `npm run generate -- FOLDER` to write elsewhere.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const PROTOS = resolve(PACKAGE, "../../protos");
const PYTHON = process.env.PYTHON ?? resolve(PACKAGE, "../../.venv/bin/python");

const CONTRACT = readdirSync(join(PROTOS, "customvision/v1"))
  .filter((name) => name.endsWith(".proto"))
  .sort()
  .map((name) => `customvision/v1/${name}`);
// What the contract imports, and what errors are made of. Their comments are not ours to copy.
const GOOGLE = [
  ...["any", "duration", "empty", "timestamp"].map((name) => `google/protobuf/${name}.proto`),
  ...["error_details", "status"].map((name) => `google/rpc/${name}.proto`),
];
const STYLE = [
  "esModuleInterop=true",
  "importSuffix=.js",
  "forceLong=number",
  "oneof=unions-value",
  "removeEnumPrefix=true",
  "unrecognizedEnum=false",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "emitImportedFiles=false",
  "exportCommonSymbols=false",
];

function printed(expression) {
  const run = spawnSync(PYTHON, ["-c", `import google.rpc, os; print(${expression})`], { encoding: "utf8" });
  if (run.status !== 0) {
    const advice = "`make test` makes it; or name another Python in PYTHON";
    throw new Error(`${PYTHON} with grpcio-tools is needed (${advice}). ${run.stderr ?? ""}`);
  }
  return run.stdout.trim();
}

function protoc(target, files, options) {
  const bin = join(PACKAGE, "node_modules/.bin");
  const includes = [PROTOS, printed("os.path.dirname(os.path.dirname(list(google.rpc.__path__)[0]))")];
  const run = spawnSync(
    PYTHON,
    [
      "-m",
      "grpc_tools.protoc",
      ...includes.map((folder) => `-I${folder}`),
      `--plugin=protoc-gen-ts_proto=${join(bin, "protoc-gen-ts_proto")}`,
      `--ts_proto_out=${target}`,
      `--ts_proto_opt=${[...STYLE, ...options].join(",")}`,
      ...files,
    ],
    { stdio: "inherit", env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` } },
  );
  if (run.status !== 0) {
    process.exit(run.status ?? 1);
  }
}

const target = resolve(process.argv[2] ?? join(PACKAGE, "src/generated"));
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
protoc(target, CONTRACT, ["outputServices=grpc-js"]);
protoc(target, GOOGLE, ["outputServices=none", "comments=false"]);
