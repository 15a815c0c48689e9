/**
 * What each reason means, who can do something about it, and what to do next: for people. `herojob explain` and
 * docs/errors.md say the same because both come from this table; a test compares them.
 */
import type { JobReason } from "./outcome.ts";

/** Who can mend it. */
export type ReasonActor = "submitter" | "signer" | "script author" | "operator of the runner";

export interface ReasonGuide {
  /** What happened, as a sentence. */
  readonly meaning: string;
  readonly actor: ReasonActor;
  /** What to do, as a sentence. */
  readonly next: string;
  /**
   * The command that mends it once `next` is done. ID and RUNNER stand for those of the job; other words in capitals
   * are for the reader to fill in.
   */
  readonly command: string;
}

const again = "herojob retry ID --runner RUNNER --wait";
const signFromScript = "herojob submit --runner RUNNER --key KEY_FILE --wait SCRIPT_FILE";
/** Works only with the key that signed the stored job: nobody should sign what somebody else may have put there. */
const signAgain = "herojob retry ID --runner RUNNER --key KEY_FILE --wait";
const doctor = "herorunner doctor";

export const reasonGuide: Readonly<Record<JobReason, ReasonGuide>> = {
  malformed: {
    meaning:
      "A field of the job has the wrong form; the error names the field, what it holds and what it should hold.",
    actor: "submitter",
    next: "Mend that field and submit the job under a new id.",
    command: "herojob submit --runner RUNNER SCRIPT_FILE",
  },
  too_large: {
    meaning: "The payload, or the job as a whole, is larger than this runner takes.",
    actor: "submitter",
    next: "Make the script smaller, or have the operator raise --max-payload, and submit it again.",
    command: "herojob submit --runner RUNNER SCRIPT_FILE",
  },
  unsigned: {
    meaning: "The runner runs signed jobs only, and this one carries no signature.",
    actor: "submitter",
    next: "Submit it again from its script, signed with a key that the runner's trust file names.",
    command: signFromScript,
  },
  bad_signature: {
    meaning:
      "A signature does not hold: the job was changed after it was signed, or the signature is of another key.",
    actor: "signer",
    next: "Find out what changed the job on its way; then sign it anew, from the script.",
    command: signFromScript,
  },
  untrusted_signer: {
    meaning:
      "No signature is of a key that may sign this job: unknown, outside its dates, or not for this caller, context or runner.",
    actor: "operator of the runner",
    next: "Submit it again from its script with a key that the trust file names, or add the public key to the trust file and send the runner SIGHUP.",
    command: signFromScript,
  },
  threshold_not_met: {
    meaning: "Fewer different trusted signers signed the job than the trust file asks for.",
    actor: "signer",
    next: "Collect the missing signatures with herojob sign and herojob cosign, then submit the signed job file.",
    command: "herojob cosign SIGNED_JOB.json --key KEY_FILE | herojob submit --wait -",
  },
  expired: {
    meaning: "The job was due before its expires_at and had not started by then.",
    actor: "submitter",
    next: "Submit it again with a new date; if it waited for long, look at the queue first.",
    command: signAgain,
  },
  not_yet_valid: {
    meaning: "The job's created_at lies in the future of the runner's clock.",
    actor: "submitter",
    next: "Compare the clocks of both hosts, mend the wrong one, and submit the job again.",
    command: signAgain,
  },
  replayed: {
    meaning:
      "This signed job was started before; a signature is good for as many starts as its signers allow, one unless they say otherwise.",
    actor: "signer",
    next: "A repetition is a new job: submit it again, signed again.",
    command: signAgain,
  },
  wrong_audience: {
    meaning: "The job was signed for another audience than the one this runner serves.",
    actor: "signer",
    next: "Sign it again for the audience that the trust file of the runner names.",
    command: `${signAgain} --audience AUDIENCE`,
  },
  wrong_runner: {
    meaning: "The job names another runner than the one in whose queue it was.",
    actor: "submitter",
    next: "Submit it to the runner that it names, or write and sign it for this one.",
    command: "herojob submit --runner RUNNER SCRIPT_FILE",
  },
  env_refused: {
    meaning:
      "A variable of the job has a name that may change how programs run, or a name or size outside the rules; the error names it.",
    actor: "submitter",
    next: "Leave that variable out, or have the operator allow its name with --env-allow.",
    command: "herojob submit --runner RUNNER --env NAME=VALUE SCRIPT_FILE",
  },
  not_granted: {
    meaning: "The script uses an action that its signers may not use, or cannot be read well enough to tell.",
    actor: "operator of the runner",
    next: "Take that action out, have somebody sign who may use it, or extend `actions` of the signer in the trust file.",
    command: signFromScript,
  },
  timeout: {
    meaning: "The job ran longer than its timeout; its processes were ended.",
    actor: "submitter",
    next: "Look at the output for the place where it hung, or give it more time.",
    command: "herojob retry ID --runner RUNNER --timeout SECONDS --wait",
  },
  exit_status: {
    meaning: "The process ended by itself with an exit code other than 0.",
    actor: "script author",
    next: "Read what it wrote, mend the script, and submit it again.",
    command: again,
  },
  killed_by_signal: {
    meaning:
      "A signal that did not come from the runner ended the process: a person, the kernel short of memory, or a crash.",
    actor: "operator of the runner",
    next: "Look into the kernel log of the host at that time (SIGKILL often means out of memory), then submit the job again.",
    command: again,
  },
  hero_not_found: {
    meaning: "The binary that runs heroscripts was not found on the runner's host.",
    actor: "operator of the runner",
    next: "Install hero there or name it with --hero; herorunner doctor shows where it was looked for.",
    command: doctor,
  },
  could_not_start: {
    meaning: "The binary that runs heroscripts is there and could not be started; the error says why.",
    actor: "operator of the runner",
    next: "Check that it is a program of this machine and that the runner's user may execute it.",
    command: doctor,
  },
  output_limit: {
    meaning: "The job wrote more than the runner lets a job write, and was ended.",
    actor: "script author",
    next: "Have the script write less, or write to a file; the operator can raise --max-output.",
    command: again,
  },
  cancelled: {
    meaning: "Somebody asked for the job to be cancelled.",
    actor: "submitter",
    next: "Nothing is wrong. If it should run after all, submit it again.",
    command: again,
  },
  shutdown: {
    meaning: "The runner was stopped while the job ran, and did not end in the time that it was given.",
    actor: "submitter",
    next: "What the job had done by then stays done; when repeating it is safe, submit it again.",
    command: again,
  },
  runner_lost: {
    meaning: "The runner died, or was cut off from Redis, while the job ran, and no attempt was left.",
    actor: "submitter",
    next: "Nobody knows how far the job got. When repeating it is safe, submit it again; --max-attempts does that by itself.",
    command: `${again} --max-attempts 3`,
  },
  poisoned: {
    meaning:
      "The job was taken five times and each time its runner was gone before the job had an end: it may be what ends its runners.",
    actor: "operator of the runner",
    next: "Look into the logs of the runners at those times before it is submitted again.",
    command: again,
  },
  missing: {
    meaning: "The id was pushed to the queue and its hash never came.",
    actor: "submitter",
    next: "Write the hash first and push the id afterwards; herojob submit does both in one step.",
    command: "herojob submit --runner RUNNER SCRIPT_FILE",
  },
  internal: {
    meaning: "A bug of the runner; the job itself may be in order.",
    actor: "operator of the runner",
    next: "Report the error with the runner's log of that time; then submit the job again.",
    command: again,
  },
};
