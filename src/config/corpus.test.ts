// Real pipeline files from public repositories, read where they lie beside this project. Each must load as the program
// they were written for would load it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { checkFile } from "./check.ts";
import { loadPipelineFile } from "./load.ts";
import type { PipelineFile } from "./pipeline-file.ts";

const folder = fileURLToPath(new URL("../../../shared/corpus/", import.meta.url));
const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith(".yml")) : [];

/** Files that cannot be read, with the line of the first error and why. */
const broken: Record<string, [line: number, why: string]> = {
  "AgAmemnno__gowerkgcloud.yml": [36, "All mapping items must start at the same column"],
  "DgFutureLab__satoyama-api__wercker.yml": [3, "a tab cannot indent YAML"],
  "integer-net__solr-base__wercker.yml": [24, "a tab cannot indent YAML"],
  "spectatorpublishing__NewShaft.yml": [27, "a tab cannot indent YAML"],
};

/** Files whose box an image cannot be called. */
const wrongBox = ["28msec__nolap-report-editor.yml", "28msec__zorba.yml", "ailohq__dropwizard-petstore.yml"];

/** Pipelines that vanish, because something in them has the wrong form. */
const malformed: Record<string, string[]> = {
  "1kastner__firefox_decrypt.yml": [
    "py2",
    "py3",
    "debian-stable",
    "debian-testing",
    "debian-unstable",
    "fedora",
    "centos",
    "alpine",
  ],
  "TheMarvellousTeam__The-Marvellous-Spacedriller__wercker.yml": ["deploy"],
};

/** `name:steps/after-steps`, then `+target:steps` for each deploy target. */
const outlines: Record<string, string> = {
  "01viniciusmelo__laravel-todo-api.yml": "deploy:6/0",
  "1syo__hubot-jenkins-integration.yml": "build:5/1",
  "510build__bot-510.yml": "build:3/1 deploy:1/1",
  "7wapnil__vue-project.yml": "build:4/0 store:4/0 deploy:8/0",
  "8Monkeys__MonkeyNet.yml": "dev:1/0 build:4/0",
  "AhmedAmirK__newzealand_airlines.yml": "build:2/0 deploy:0/0+Aws-Production:3",
  "Akshaykapoor__kubernetes-ci-cd.yml": "dev:1/2 build:5/2 docker-push:2/2 deploy:6/2",
  "JeffStroudGTB__HugoGTB__wercker.yml": "build:1/0 deploy:1/0",
  "TheMarvellousTeam__The-Marvellous-Spacedriller__wercker.yml": "build:2/0",
  "chiefy__wercker-node-ecs-demo.yml": "dev:3/0 build:5/0 deploy:0/0+dockerhub:1+ecs:3",
  "combient__wercker-example-java-redis.yml": "dev:2/0 build:4/0",
  "dtan4__rails-wercker-workflows.yml": "build:2/0 rspec-models:6/0 rspec-controllers:6/0 rspec-features:6/0",
  "hanxue__dabao-service__wercker.yml": "buid:3/0",
  "jakirkham__DictionaryLearning.yml": "build:10/1",
  "kordless__site__wercker.yml": "",
  "matyix__informers.yml": "",
  "oracle__oci-cloud-controller-manager.yml":
    "build:8/0 publish-docker-image:5/0 ccm-e2e-test:3/1 volume-provisioner-e2e-test:1/0 release:5/0",
  "oracle__oci-volume-provisioner.yml":
    "dev:1/0 build:5/0 copy:1/0 push:8/0 system-test:4/0 validate-test-image:2/0 release:7/0 ginkgo-e2e:1/0",
  "oracle__terraform-kubernetes-installer.yml": "init:1/0 build:4/0 deploy:6/1",
  "patrickmounir__aws-wercker.yml": "build:3/0 deploy:0/0+openshift:4",
  "srz-zumix__iutest.yml": "build:16/0",
  "wercker__step-maven.yml": "build:0/0 publish:2/0",
  "wercker__todo-service.yml": "build:5/0 push-gcr:5/0 gke-deploy:5/0",
  "wercker__workflows-kubernetes-demo.yml":
    "dev:3/0 build:3/0 tests:3/0 release-build:4/0 push-debug:1/0 push-release:4/0 kube-initialize:4/0 kube-deploy:5/0",
};

function load(name: string) {
  return loadPipelineFile(readFileSync(folder + name), { dialect: "wercker", name: "wercker.yml" });
}

function check(name: string) {
  return checkFile(readFileSync(folder + name), { dialect: "wercker", name: "wercker.yml" });
}

function outline(file: PipelineFile): string {
  return [...file.pipelines.values()]
    .map(({ name, steps, afterSteps, targets }) => {
      const others = [...targets].map(([target, list]) => `+${target}:${list.length}`);
      return `${name}:${steps.length}/${afterSteps.length}${others.join("")}`;
    })
    .join(" ");
}

test("the corpus lies beside the project, or nothing is said of it", () => {
  if (names.length === 0)
    console.info(`no pipeline files in ${folder}: the tests of the corpus assert nothing here`);
  else expect(names.length).toBeGreaterThan(60);
});

describe.each(names)("%s", name => {
  test("is read, or refused for a good reason", () => {
    const { file, problems } = load(name);
    const errors = problems.filter(problem => problem.severity === "error");
    const reason = broken[name];
    expect(file === undefined).toBe(reason !== undefined);
    expect(errors.map(error => [error.line, error.message]).at(0)).toEqual(reason);
    expect([...(file?.malformed.keys() ?? [])]).toEqual(malformed[name] ?? []);
    if (outlines[name] !== undefined) expect(outline(file!)).toBe(outlines[name]);
  });

  test("is checked with an error only where a run would fail", () => {
    const errors = check(name).problems.filter(problem => problem.severity === "error");
    if (wrongBox.includes(name))
      expect(errors.map(error => error.message)).toEqual([expect.stringMatching(/^Invalid box name, '@'/)]);
    else expect(errors.length > 0).toBe(broken[name] !== undefined);
  });
});

const report = (name: string) => check(name).report;

if (names.length > 0)
  describe("in detail", () => {
    test("flat and nested steps beside each other", () => {
      const { store } = report("7wapnil__vue-project.yml").pipelines;
      expect(store).toMatchObject({
        docker: true,
        box: {
          id: "arcanebet/frontend",
          tag: "puppeteer-v11",
          username: "$DOCKERHUB_USERNAME",
          password: "$DOCKERHUB_PASSWORD",
        },
      });
      expect(store!.steps.map(step => `${step.id} = ${step.name}`)).toEqual([
        "bashaus/yarn-install = install-dependencies",
        "script = build-production-assets",
        "script = Build docker image",
        "script = Push",
      ]);
    });

    test("numbers, bools and comments in options", () => {
      const push = report("oracle__oci-volume-provisioner.yml").pipelines.push!.steps[4]!;
      expect(push).toEqual({
        id: "internal/docker-push",
        name: "docker-push",
        cwd: null,
        options: {
          repository: "iad.ocir.io/oracle/oci-volume-provisioner",
          tag: "$VERSION",
          entrypoint: "/oci-volume-provisioner",
          user: "65534",
          registry: "https://iad.ocir.io/v2",
          username: "$OCIRUSERNAME",
          password: "$OCIRPASSWORD",
        },
      });
      const watch = report("8Monkeys__MonkeyNet.yml").pipelines.dev!.steps[0]!;
      expect(watch).toMatchObject({
        id: "internal/watch",
        name: "watch",
        options: { code: "go test -v ./...\n", reload: "true" },
      });
    });

    test("services with variables, inherited by every pipeline", () => {
      const { services, pipelines } = report("arlly__-Wercker_Laravel.yml");
      expect(services).toEqual([
        {
          id: "mysql",
          env: {
            MYSQL_ROOT_PASSWORD: "rootpasswd",
            MYSQL_USER: "testuser",
            MYSQL_PASSWORD: "testpasswd",
            MYSQL_DATABASE: "testdb",
          },
        },
      ]);
      expect(pipelines.build!.services).toEqual(services);
    });

    test("a float keeps its text", () => {
      expect(
        report("rocknrollMarc__mampaeyService__wercker.yml").pipelines.build!.steps[0]!.options.version,
      ).toBe("0.12");
    });

    test("limits and base path", () => {
      const { file } = load("harveylowndes__wercker-test__wercker.yml");
      expect(file).toMatchObject({ commandTimeoutMs: 3_600_000, noResponseTimeoutMs: 3_600_000 });
      expect(file!.pipelines.get("test")!.basePath).toBe("/go/src/github.com/harveylowndes/wercker-test");
    });

    test("services that are no list are as good as absent", () => {
      const found = check("wercker__todo-service.yml");
      expect(found.report.services).toEqual([]);
      expect(found.problems).toEqual([expect.objectContaining({ severity: "warning", line: 2, column: 11 })]);
    });
  });
