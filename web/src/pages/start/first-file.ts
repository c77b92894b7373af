// The first pipeline file that a person is shown. A test holds it to what the checker says.

export const firstFile = `box: busybox:1

build:
  steps:
    - script:
        name: say hello
        code: echo "Hello from $WERCKER_GIT_COMMIT"
`;
