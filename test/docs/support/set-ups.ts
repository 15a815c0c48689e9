/** What a page takes for granted, and what befalls its reader: made before its first command, or before a section. As shell. */

/** Ends the daemons that the page has left running, one after the other: their jobs are settled, their names taken back. */
const functions = `
end_daemons() {
  local file pid
  for file in "$PAGE_DAEMONS"/*.pid; do
    if [ -e "$file" ]; then
      pid=$(cat "$file"); rm "$file"
      if kill "$pid"; then kill "$pid" || true; tail --pid="$pid" -f /dev/null; fi
    fi
  done
}
`;

const signers = `
for name in alice bob carol; do declare $name=$(herojob keygen --name $name --out $name.key); done
cat >trust.json <<END
{ "signers": [
  { "name": "alice", "public_key": "$alice" },
  { "name": "bob", "public_key": "$bob" },
  { "name": "carol", "public_key": "$carol" }
] }
END`;

const setUps: Readonly<Record<string, string>> = {
  // Jobs of every reason take the same commands; this one is signed, so that all of them apply.
  "docs/errors.md": `${signers}
echo 'print("hello")' >hello.hero
herorunner web-1 --trust trust.json -c 4
export HEROJOB_KEY=alice.key
herojob submit --runner web-1 --id 42 --wait hello.hero
echo '{ "runner": "web-1", "payload": "print(1)" }' | herojob sign --key carol.key - >signed.json`,
  "docs/recovery.md": `
echo 'print("deployed")' >deploy.hero
node -p 'crypto.randomBytes(32).toString("hex")' >admin-secret
herorunner web-1
herojob submit --runner web-1 --id 42 --wait deploy.hero`,
  "docs/rpc.md": `
KEY=$(node -p 'crypto.randomBytes(32).toString("hex")'); echo "$KEY" >admin-secret
herorunner my-hero-runner
herosupervisor --admin-secret-file admin-secret --port 8083
curl -sf http://127.0.0.1:8083/rpc -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"jsonrpc": "2.0", "id": 1, "method": "runner.register", "params": {"id": "my-hero-runner"}}'`,
  "docs/security.md": `
echo 'print("deployed")' >deploy.hero
herojob keygen --name bob --out bob.key
echo '{ "runner": "my-hero-runner", "payload": "print(1)" }' >job.json
redis-cli ACL SETUSER herorunner '>a-long-password'
KEY=$(node -p 'crypto.randomBytes(32).toString("hex")'); echo "$KEY" >admin-secret
herosupervisor --admin-secret-file admin-secret --port 8082`,
  "docs/submitting.md": `${signers}
echo 'print("deployed")' >deploy.hero
PUBLIC_KEY=$(herojob keygen --name web-1 --out receipt.key)
herorunner web-1 --trust trust.json --signatures warn --receipt-key receipt.key
herojob submit --runner web-1 --id 42 --wait -e 'print("hello")'
rm alice.key`,
  "docs/upgrade.md": `
KEY=$(node -p 'crypto.randomBytes(32).toString("hex")'); echo "$KEY" >admin-secret
herosupervisor --admin-secret-file admin-secret --port 8082`,
};

/** Faults of docs/recovery.md, by its headings: what a section mends. */
const recovery: Readonly<Record<string, string>> = {
  "Redis lost its disk": `
redis-cli CONFIG SET appendonly no
redis-cli FLUSHALL
redis-cli HSET 'hero:{web-1}:job:41' payload 'print("old")' status created`,
  "Redis is full": `
herojob submit --runner web-1 --id 43 --wait -e 'print("much")'
redis-cli CONFIG SET maxmemory 1mb`,
  "A runner is lost": `
herojob submit --runner web-1 --id 44 -e 'for (const end = Date.now() + 2000; Date.now() < end; );'
until [ "$(herojob status 44)" = started ]; do :; done
kill -KILL "$(cat "$PAGE_DAEMONS"/*.pid)"
rm "$PAGE_DAEMONS"/*.pid; redis-cli DEL 'hero:{web-1}:instances'
herorunner --burst web-1`,
  "A job takes its runners down": `
redis-cli HSET 'hero:{web-1}:job:45' payload 'print("heavy")' claims 9
redis-cli SET hero:index:45 web-1
redis-cli LPUSH 'hero:{web-1}:queue' 45
herojob wait 45 --runner web-1 || true`,
  "Ids in the dead list": `
redis-cli DEL 'hero:{web-1}:dead'
redis-cli LPUSH 'hero:{web-1}:queue' 46
redis-cli BRPOP 'hero:{web-1}:reply:46' 10`,
  "The trust file is broken": `end_daemons
${signers}
sed -i 's/{ "signers"/{ "treshold": 1, "signers"/' trust.json`,
  "A key is compromised": `end_daemons
mallory=$(herojob keygen --name mallory --out mallory.key)
sed -i "s/.*alice.*/{ \\"name\\": \\"mallory\\", \\"public_key\\": \\"$mallory\\" },\\n&/" trust.json
herorunner web-1 --trust trust.json
herojob submit --runner web-1 --key mallory.key --id 47 --wait -e 'print("mallory was here")'
herojob submit --runner web-1 --key mallory.key --id 53 -e 'while (true) {}'
until [ "$(herojob status 53)" = started ]; do :; done`,
  "A clock is wrong": `
echo '{ "id": "48", "runner": "web-1", "payload": "print(1)", "created_at": '$(($(date +%s) + 3600))' }' >ahead.json
herojob sign ahead.json --key alice.key | herojob submit --wait - || true`,
  "The supervisor is lost": `end_daemons
herorunner web-1`,
  "The queue stands still": `
redis-cli HSET 'hero:{web-1}:settings' paused 1
redis-cli PUBLISH 'hero:{web-1}:control' '{"op":"pause"}'
until [ "$(redis-cli HGET "hero:{web-1}:instance:$(redis-cli ZREVRANGE 'hero:{web-1}:instances' 0 0)" paused)" != x ]; do :; done
herojob submit --runner web-1 --id 49 -e 'print("at last")'
herojob submit --runner web-1 --id 50 -e 'while (true) {}'`,
  "Output is too large": `end_daemons
herorunner web-1 --max-output 64K
herojob submit --runner web-1 --id 51 --wait -e 'for (;;) print("more and more")' || true`,
  "hero is missing": `end_daemons
herojob submit --runner web-1 --id 52 -e 'print("found")'
herorunner --hero hero-of-yesterday --burst web-1`,
};

/** Words that a page asks its reader to fill in, and what is filled in here. The first that fits counts. */
const words: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "docs/errors.md": {
    "SIGNED_JOB.json": "signed.json",
    SCRIPT_FILE: "hello.hero",
    KEY_FILE: "alice.key",
    RUNNER: "web-1",
    AUDIENCE: "default",
    SECONDS: "30",
    "NAME=VALUE": "STAGE=test",
    " ID": " 42",
  },
  "docs/rpc.md": { "/etc/herorunner/admin-secret": "admin-secret" },
  "docs/submitting.md": { " ID": " 42", PUBLIC_KEY: "$PUBLIC_KEY" },
};

export function setUpOf(page: string): string {
  return functions + (setUps[page] ?? ":");
}

/** What happens right before the first command below a heading. */
export function faultOf(page: string, section: string): string | undefined {
  return page === "docs/recovery.md" ? recovery[section] : undefined;
}

/** So that a fault without its section is noticed. */
export const recoverySections: readonly string[] = Object.keys(recovery);

export function wordsOf(page: string): readonly (readonly [string, string])[] {
  return Object.entries(words[page] ?? {});
}
