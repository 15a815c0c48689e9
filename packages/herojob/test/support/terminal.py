"""Runs a command on a pseudo-terminal: standard input becomes keys, what appears on the screen becomes standard output."""
import os
import pty
import select
import sys

pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

keyboard = 0
while True:
    ready, _, _ = select.select([master] + ([keyboard] if keyboard is not None else []), [], [])
    if keyboard in ready:
        keys = os.read(keyboard, 4096)
        if keys:
            os.write(master, keys)
        else:
            keyboard = None
    if master in ready:
        try:
            screen = os.read(master, 65536)
        except OSError:
            break
        if not screen:
            break
        os.write(1, screen)

_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
