// The service's one rule, apart from the network so that it can be tested alone.

export function greeting(name) {
  return `Hello, ${name === "" ? "stranger" : name}!`;
}

if (process.argv[2] === "--check") console.log(greeting("world"));
