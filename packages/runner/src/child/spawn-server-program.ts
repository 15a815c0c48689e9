/**
 * The spawn server's program, for Python 3.8 and later with its standard library. It makes processes with posix_spawn,
 * which from a small process costs little more than the new process itself, and says how they end.
 *
 * In:  a frame for each job: its length as ten digits, then fields ended by NUL: request number, paths to be opened as
 *      descriptors 0, 1 and 2, working folder, program, number of arguments, arguments, NAME=value of the environment.
 * Out: lines. `ready` once; `started REQUEST PID`; `failed REQUEST ERRNO`; `ended REQUEST STATUS` as of waitpid.
 *
 * It ends with its standard input, hence with the runner.
 */
export const spawnServerProgram = String.raw`
import errno, os, select, signal

def spawn(streams, file, argv, env):
    actions = [(os.POSIX_SPAWN_OPEN, fd, path, os.O_WRONLY if fd else os.O_RDONLY, 0) for fd, path in enumerate(streams)]
    return os.posix_spawn(file, argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=ignored)

def start(frame):
    fields = frame.split(b"\0")
    request, streams, cwd, file, count = int(fields[0]), fields[1:4], fields[4], fields[5], int(fields[6])
    arguments, variables = fields[7:7 + count], fields[7 + count:-1]
    env = dict(variable.split(b"=", 1) for variable in variables)
    try:
        os.chdir(cwd)
        try:
            pid = spawn(streams, file, [file, *arguments], env)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # As execvp does: a text without #! is for the shell.
            pid = spawn(streams, b"/bin/sh", [b"/bin/sh", file, *arguments], env)
    except OSError as error:
        return "failed %d %d\n" % (request, error.errno)
    requests[pid] = request
    return "started %d %d\n" % (request, pid)

def reap():
    answers = ""
    while requests:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        answers += "ended %d %d\n" % (requests.pop(pid), status)
    return answers

def say(text):
    data = text.encode()
    while data:
        data = data[os.write(1, data):]

# What Python ignores, a job must not.
ignored = [signal.SIGPIPE, signal.SIGXFSZ]
requests = {}
woken, waker = os.pipe()
os.set_blocking(woken, False)
os.set_blocking(waker, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
poll = select.poll()
poll.register(0, select.POLLIN)
poll.register(woken, select.POLLIN)
received = b""
os.posix_spawn
say("ready\n")
while True:
    for fd, _ in poll.poll():
        if fd == woken:
            os.read(woken, 4096)
            say(reap())
            continue
        data = os.read(0, 1 << 20)
        if not data:
            os._exit(0)
        received += data
        while len(received) >= 10 and len(received) >= 10 + int(received[:10]):
            size = 10 + int(received[:10])
            frame, received = received[10:size], received[size:]
            say(start(frame))
        os.chdir("/")
`;
