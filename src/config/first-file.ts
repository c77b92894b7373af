// The first pipeline file for a project that has none, chosen by what lies in its directory. Each passes `checkFile`
// without a problem, needs nothing but its image, and says in comments what to change.

export interface FirstFile {
  /** What was recognised: `node`, `python`, `ruby`, `go`, `maven`, `gradle`, `rust`, `docker` or `default`. */
  kind: string;
  /** Content of the new `slipway.yml`. */
  text: string;
}

interface Kind {
  kind: string;
  /** Whether a directory with these names is of this kind. */
  matches: (has: (name: string) => boolean, names: readonly string[]) => boolean;
  text: (has: (name: string) => boolean) => string;
}

/** `names` are the entries of the project's directory (base names); the first kind that matches wins. */
export function firstFileFor(names: readonly string[]): FirstFile {
  const all = new Set(names);
  const has = (name: string) => all.has(name);
  const found = kinds.find(kind => kind.matches(has, names)) ?? plain;
  return { kind: found.kind, text: found.text(has) };
}

interface Step {
  name: string;
  code: string[];
}

interface Outline {
  box: string;
  about: string;
  /** Directories of the box that are worth keeping, with the file that says when they change. */
  cache?: { variable: string; path: string };
  steps: Step[];
  docker?: boolean;
}

function write({ box, about, cache, steps, docker }: Outline): string {
  const lines = [
    `# ${about}`,
    "# Check this file with `slipway check`, run it with `slipway run`.",
    "",
    "# The image in which all steps run, one after the other, in one shell.",
    `box: ${box}`,
    "",
    "# Containers beside it, each reachable by its name:",
    "# services:",
    "#   - id: redis:7",
    "#     ready: 6379",
    "",
    "build:",
    ...(docker === true ? ["  # The steps may talk to the Docker daemon.", "  docker: true"] : []),
    "  steps:",
  ];
  if (cache !== undefined) {
    lines.push(
      "    # What lies in $WERCKER_CACHE_DIR is there again in the next run.",
      "    - script:",
      "        name: use the cache",
      `        code: export ${cache.variable}="$WERCKER_CACHE_DIR/${cache.path}"`,
    );
  }
  for (const { name, code } of steps) {
    lines.push("    - script:", `        name: ${name}`);
    if (code.length === 1) lines.push(`        code: ${code[0]}`);
    else lines.push("        code: |", ...code.map(line => `          ${line}`));
  }
  lines.push(
    "",
    "  # These run at the end, passed or failed.",
    "  after-steps:",
    "    - script:",
    "        name: result",
    '        code: echo "The pipeline has $WERCKER_RESULT"',
  );
  return `${lines.join("\n")}\n`;
}

const plain: Kind = {
  kind: "default",
  matches: () => true,
  text: () =>
    write({
      box: "debian:stable-slim",
      about: "A first pipeline: put the commands that build and test your project in place of these.",
      steps: [
        { name: "look around", code: ["pwd", "ls -la"] },
        { name: "build", code: ['echo "Build and test here"'] },
      ],
    }),
};

const kinds: Kind[] = [
  {
    kind: "node",
    matches: has => has("package.json"),
    text: has => {
      const [install, run] = has("pnpm-lock.yaml")
        ? ["corepack enable && pnpm install --frozen-lockfile", "pnpm test"]
        : has("yarn.lock")
          ? ["yarn install --frozen-lockfile", "yarn test"]
          : [has("package-lock.json") ? "npm ci" : "npm install", "npm test"];
      return write({
        box: "node:24",
        about: "Installs the dependencies of a Node.js project and runs its tests.",
        cache: { variable: "npm_config_cache", path: "npm" },
        steps: [
          { name: "install", code: [install] },
          { name: "test", code: [run] },
        ],
      });
    },
  },
  {
    kind: "python",
    matches: has => ["requirements.txt", "pyproject.toml", "setup.py", "Pipfile"].some(has),
    text: has =>
      write({
        box: "python:3",
        about: "Installs the dependencies of a Python project and runs its tests.",
        cache: { variable: "PIP_CACHE_DIR", path: "pip" },
        steps: [
          {
            name: "install",
            code: [has("requirements.txt") ? "pip install -r requirements.txt" : "pip install ."],
          },
          { name: "test", code: ["pip install pytest", "pytest"] },
        ],
      }),
  },
  {
    kind: "ruby",
    matches: has => has("Gemfile"),
    text: () =>
      write({
        box: "ruby:3",
        about: "Installs the gems of a Ruby project and runs its tests.",
        cache: { variable: "BUNDLE_PATH", path: "bundle" },
        steps: [
          { name: "install", code: ["bundle install"] },
          { name: "test", code: ["bundle exec rake"] },
        ],
      }),
  },
  {
    kind: "go",
    matches: (has, names) => has("go.mod") || names.some(name => name.endsWith(".go")),
    text: () =>
      write({
        box: "golang:1",
        about: "Builds a Go project and runs its tests.",
        cache: { variable: "GOMODCACHE", path: "go" },
        steps: [
          { name: "build", code: ["go build ./..."] },
          { name: "test", code: ["go vet ./...", "go test ./..."] },
        ],
      }),
  },
  {
    kind: "maven",
    matches: has => has("pom.xml"),
    text: has =>
      write({
        box: has("mvnw") ? "eclipse-temurin:21" : "maven:3-eclipse-temurin-21",
        about: "Builds a Maven project and runs its tests.",
        steps: [
          {
            name: "build and test",
            code: [
              `${has("mvnw") ? "./mvnw" : "mvn"} -B -Dmaven.repo.local="$WERCKER_CACHE_DIR/maven" verify`,
            ],
          },
        ],
      }),
  },
  {
    kind: "gradle",
    matches: (has, names) => has("gradlew") || names.some(name => /\.gradle(?:\.kts)?$/.test(name)),
    text: has =>
      write({
        box: has("gradlew") ? "eclipse-temurin:21" : "gradle:8-jdk21",
        about: "Builds a Gradle project and runs its tests.",
        cache: { variable: "GRADLE_USER_HOME", path: "gradle" },
        steps: [
          { name: "build and test", code: [`${has("gradlew") ? "./gradlew" : "gradle"} --no-daemon build`] },
        ],
      }),
  },
  {
    kind: "rust",
    matches: has => has("Cargo.toml"),
    text: () =>
      write({
        box: "rust:1",
        about: "Builds a Rust project and runs its tests.",
        cache: { variable: "CARGO_HOME", path: "cargo" },
        steps: [
          { name: "build", code: ["cargo build --all-targets"] },
          { name: "test", code: ["cargo test"] },
        ],
      }),
  },
  {
    kind: "docker",
    matches: has => has("Dockerfile"),
    text: () =>
      write({
        box: "docker:cli",
        about: "Builds the image of a Dockerfile.",
        docker: true,
        steps: [{ name: "build the image", code: ['docker build -t "$WERCKER_APPLICATION_NAME:latest" .'] }],
      }),
  },
];
