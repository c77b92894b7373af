// Adds up what ran, and decides whether that was all and all of it passed. Pure: prints nothing, exits nowhere.

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} notRun what was left out, with the reason and what to do
 * @property {string[]} crashed what ended badly without a failed test
 */

/** @returns {Tally} */
export function emptyTally() {
  return { passed: 0, failed: 0, skipped: 0, notRun: [], crashed: [] };
}

/**
 * Adds the JSON report of one run of tests.
 *
 * @param {Tally} tally
 * @param {string} name
 * @param {number} status what the test runner exited with
 * @param {{numPassedTests?: number, numFailedTests?: number, numPendingTests?: number, numTodoTests?: number} | undefined} report
 */
export function addReport(tally, name, status, report) {
  const failed = report?.numFailedTests ?? 0;
  tally.passed += report?.numPassedTests ?? 0;
  tally.failed += failed;
  tally.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  // A file that does not load, an unhandled error, a crash: nothing of it is a failed test in the report.
  if (status !== 0 && failed === 0)
    tally.crashed.push(`${name} ended with ${status}; the reason stands above`);
  if (status === 0 && report === undefined) tally.crashed.push(`${name} left no report`);
}

/**
 * @param {Tally} tally
 * @returns {{complaints: string[], totals: string, exitCode: number}} `totals` is the last line to print
 */
export function conclude(tally) {
  const complaints = [...tally.crashed, ...tally.notRun.map(text => `NOT RUN: ${text}`)];
  if (tally.skipped > 0) complaints.push(`${tally.skipped} skipped; no test may be skipped`);
  if (tally.passed === 0 && complaints.length === 0) complaints.push("nothing ran");
  // What was skipped or left out has not passed.
  const failed = tally.failed + tally.crashed.length + tally.notRun.length + tally.skipped;
  const totals = `${tally.passed} passed, ${failed} failed`;
  return { complaints, totals, exitCode: failed === 0 && tally.passed > 0 ? 0 : 1 };
}
