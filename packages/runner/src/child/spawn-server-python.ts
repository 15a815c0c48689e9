/**
 * The spawn server for Python 3.8 and later with its standard library, for machines without the one in C. They do the same
 * in the same steps; native/main.c says what, native/link.h has the frames, and spawn-server.ts is the other end.
 *
 * Arguments: a name; the descriptor of the roll, how many places it has, the first of ours; then the descriptors of the links, one
 * for each server. A server ends with its link, hence with the runner.
 */
import { spawnServerRoll } from "./spawn-server-roll.ts";

export const spawnServerPython = String.raw`
import errno, gc, mmap, os, select, signal, struct, sys, time

ENTER, JOB, RELEASE, PREPARE, FEED = 1, 2, 3, 4, 5
STARTED, OUT, ERR, CLOSED, ENDED, FAILED, IDLE = 1, 2, 3, 4, 5, 6, 7
NUMBER, PREFIX, ENDING = struct.Struct("<I"), struct.Struct("<BI"), struct.Struct("<III")
announce_after_s, piece = 0.002, 65536
# What Python ignores, a job must not.
ignored = [signal.SIGPIPE, signal.SIGXFSZ]

def frame(kind, body=b""):
    return PREFIX.pack(kind, len(body)) + body

def read_file(path, most):
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, most)
    finally:
        os.close(file)

def open_input(data):
    if not data:
        return os.open("/dev/null", os.O_RDONLY)
    try:
        file = os.memfd_create("stdin")
    except OSError:
        file = os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest):]
        # Opened again, so that the job gets a descriptor of its own that cannot write.
        return os.open("/proc/self/fd/%d" % file, os.O_RDONLY)
    finally:
        os.close(file)

def spawn(file, argv, env, streams):
    actions = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
    return os.posix_spawn(file, argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=ignored)

${spawnServerRoll}
class Server:
    def __init__(self, link, roll):
        self.link, self.roll, self.pid = link, roll, os.getpid()
        self.received = bytearray()
        self.group = self.load = self.input = None
        self.woken, waker = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(link, select.POLLIN)
        self.poll.register(self.woken, select.POLLIN)
        try:
            self.load = os.open("/proc/loadavg", os.O_RDONLY)
            with open("/proc/sys/kernel/pid_max") as limit:
                self.trusted_s = int(limit.read()) / 100000
        except OSError:
            self.trusted_s = 0

    def serve(self):
        while True:
            kind, body = self.receive()
            if kind == ENTER:
                self.enter(bytes(body))
            elif kind in (JOB, PREPARE):
                self.run(body, kind == PREPARE)

    def has_next(self):
        received = self.received
        return len(received) >= PREFIX.size and len(received) - PREFIX.size >= PREFIX.unpack_from(received)[1]

    def receive(self):
        while not self.has_next():
            try:
                data = os.read(self.link, 1 << 20)
            except OSError:
                data = b""
            if not data:
                self.leave()
            self.received += data
        kind, length = PREFIX.unpack_from(self.received)
        end = PREFIX.size + length
        body = self.received[PREFIX.size:end]
        del self.received[:end]
        return kind, body

    def leave(self):
        """The runner is gone."""
        current = self.roll.current()
        if current > 1:
            try:
                os.killpg(current, signal.SIGKILL)
            except OSError:
                pass
        os._exit(0)

    def send(self, data):
        try:
            while data:
                data = data[os.write(self.link, data):]
        except OSError:
            self.leave()

    def enter(self, procs):
        try:
            if self.group is not None:
                os.close(self.group)
                self.group = None
            if procs:
                with open(procs, "w") as group:
                    group.write("0")
                self.group = os.open(procs, os.O_RDONLY)
        except OSError as error:
            return self.send(frame(FAILED, NUMBER.pack(error.errno)))
        self.send(frame(IDLE, NUMBER.pack(self.pid)))

    def run(self, body, waits):
        theirs, ours = [], []
        began = time.monotonic()
        try:
            pid = self.start(body, theirs, ours, waits)
        except OSError as error:
            self.end_input()
            for fd in ours:
                os.close(fd)
            return self.send(frame(FAILED, NUMBER.pack(error.errno)))
        finally:
            for fd in theirs:
                os.close(fd)
            os.chdir("/")
        now = time.monotonic()
        untold = self.last_pid() < pid
        # Whatever the job leaves was made after this process, and after that moment.
        self.since = pid, began
        self.roll.begin(pid, now)
        streams = dict(zip(ours, (OUT, ERR)))
        announce_at = now if waits else now + announce_after_s
        told = self.carry(pid, streams, announce_at, lambda: not untold and self.left_nothing(pid))
        self.send(told + frame(IDLE, NUMBER.pack(self.pid)))

    def start(self, body, theirs, ours, waits):
        size = NUMBER.unpack_from(body)[0]
        folder, file, count, *words = bytes(body[4:4 + size]).split(b"\0")
        arguments, variables = words[:int(count)], words[int(count):]
        if waits:
            read_end, self.input = os.pipe()
            theirs.append(read_end)
            os.set_blocking(self.input, False)
        else:
            theirs.append(open_input(body[4 + size:]))
        for _ in range(2):
            read_end, write_end = os.pipe()
            ours.append(read_end)
            theirs.append(write_end)
            # A job may open its own output and take from it what poll has seen.
            os.set_blocking(read_end, False)
        self.marker = variables[-1]
        env = dict(variable.split(b"=", 1) for variable in variables)
        os.chdir(folder)
        try:
            return spawn(file, [file, *arguments], env, theirs)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # As execvp does: a text without #! is for the shell.
            return spawn(b"/bin/sh", [b"/bin/sh", file, *arguments], env, theirs)

    def carry(self, pid, streams, announce_at, left_nothing):
        """Until the job has ended and its streams have too, or nobody listens to them. Answers what is still to be sent."""
        poll, told, announced, status, ended, looks = self.poll, b"", False, None, False, 0
        for stream in streams:
            poll.register(stream, select.POLLIN)
        while streams or not ended:
            # What the job wrote comes before its end. Who else writes may go on for ever: the end does not wait for them.
            last_look = status is not None and not ended
            wait_ms = 0 if last_look else None if announced else max(0, announce_at - time.monotonic()) * 1000
            events = () if last_look and (not streams or looks > 4) else poll.poll(wait_ms)
            looks += last_look
            for fd, _ in events:
                if fd in streams:
                    try:
                        data = os.read(fd, piece)
                    except BlockingIOError:
                        continue
                    if data:
                        told += frame(streams[fd], data)
                    else:
                        self.close_streams(streams, [fd])
                        told += b"" if streams else frame(CLOSED)
                elif fd == self.woken:
                    status = self.reap(pid, status)
                elif fd == self.input:
                    self.feed()
                elif fd == self.link:
                    told += self.hear_of_job(pid, streams)
            if last_look and not events:
                told += frame(ENDED, ENDING.pack(pid, status, left_nothing()))
                self.roll.told(0)
                self.end_input()
                ended = announced = True
            elif not announced and status is None and (len(told) >= piece or time.monotonic() >= announce_at):
                told, announced = frame(STARTED, NUMBER.pack(pid)) + told, True
            if told and announced and (streams or not ended):
                self.send(told)
                told = b""
        return told

    def hear_of_job(self, pid, streams):
        """One read may bring several frames, and what has come already wakes nobody again. Answers what is to be sent."""
        told, more = b"", True
        while more:
            kind, body = self.receive()
            if kind == FEED and self.input is not None:
                self.rest = memoryview(body)
                self.look_from_now(pid)
                self.poll.register(self.input, select.POLLOUT)
            elif kind == RELEASE and streams:
                self.close_streams(streams, list(streams))
                told = frame(CLOSED)
            more = self.has_next()
        return told

    def feed(self):
        try:
            self.rest = self.rest[os.write(self.input, self.rest):]
        except BlockingIOError:
            return
        except OSError:
            self.rest = b""
        if not self.rest:
            self.end_input()

    def end_input(self):
        if self.input is not None:
            try:
                self.poll.unregister(self.input)
            except KeyError:
                pass
            os.close(self.input)
            self.input = None

    def close_streams(self, streams, fds):
        for fd in fds:
            del streams[fd]
            self.poll.unregister(fd)
            os.close(fd)

    def reap(self, pid, status):
        os.read(self.woken, 4096)
        try:
            found = -1
            # Others are servers that ended, where this one was made from their interpreter.
            while found not in (0, pid):
                found, told = os.waitpid(-1, os.WNOHANG)
            return told if found == pid else status
        except ChildProcessError:
            return status

    def last_pid(self):
        return 0 if self.load is None else int(os.pread(self.load, 128, 0).rsplit(b" ", 1)[1])

    def standing(self):
        try:
            return b"" if self.group is None else os.pread(self.group, 64, 0)
        except OSError:
            return b""

    def look_from_now(self, pid):
        """While it waited it has made nobody who is still there: that is what its control group says."""
        if set(self.standing().split()) == {b"%d" % pid, b"%d" % self.pid}:
            self.since = self.last_pid(), time.monotonic()

    def left_nothing(self, pid):
        """The kernel gives ids in ascending order: what the job left has one above its own, up to the last one given."""
        seen, began = self.since
        if time.monotonic() - began > self.trusted_s:
            return False
        try:
            os.killpg(pid, 0)
            return False
        except ProcessLookupError:
            pass
        except OSError:
            return False
        if self.group is not None and self.standing() != b"%d\n" % self.pid:
            return False
        for _ in range(5):
            last = self.last_pid()
            if last == seen:
                return True
            if last < seen or last - seen > 256:
                return False
            for other in range(seen + 1, last + 1):
                if not self.roll.started_since(other, began) and self.may_be_of(pid, other):
                    return False
            seen = last
        return False

    def may_be_of(self, pid, other):
        try:
            text = read_file("/proc/%d/stat" % other, 4096)
            fields = text[text.rindex(b")") + 2:].split(b" ", 18)
            state, parent, session, threads = fields[0], fields[1], fields[3], int(fields[17])
            # 2 is the parent of the kernel's own threads, which have no environment.
            if state == b"Z" and threads <= 1 or state == b"X" or int(parent) == 2:
                return False
            # Only its first thread has ended, and took what could be read with it.
            if state == b"Z":
                return True
            everybody = self.roll.everybody()
            # Another server's job on its way to become it, or what another job has started: nobody can join its session.
            # Our own children are of this job: it can make its parent theirs (CLONE_PARENT).
            if any(int(parent) == server != self.pid for server, _ in everybody) or any(int(session) == current != pid for _, current in everybody):
                return False
            if int(session) == pid:
                return True
            text = read_file("/proc/%d/environ" % other, piece)
            # During exec a process has none; of a long one the rest was not read.
            return len(text) in (0, piece) or self.marker in text
        except (FileNotFoundError, ProcessLookupError):
            return False
        except OSError:
            return True

table, places, first = [int(word) for word in sys.argv[2:5]]
links = [int(link) for link in sys.argv[5:]]
for fd in [table, *links]:
    os.set_inheritable(fd, False)
gc.collect()
gc.freeze()
gc.disable()
# The last one serves here; it must not hold the others' links.
for index, link in enumerate(links):
    if index + 1 == len(links) or os.fork() == 0:
        for other in links:
            if other != link:
                os.close(other)
        Server(link, Roll(table, first + index)).serve()
`;
