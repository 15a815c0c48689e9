"""Celery with a task that does the same work: `celery -A celery_worker worker`. As a program it queues COUNT tasks.

BENCH_REDIS (redis://127.0.0.1:PORT), BENCH_QUEUE, BENCH_PROGRAM, BENCH_PREFETCH (tasks reserved for each process) and
BENCH_DATABASE (of the broker; the results are kept in the next one) come from the environment. `celery_worker.py QUEUE COUNT PAYLOAD` prints the ids of the tasks.
"""
import os
import subprocess
import sys

from celery import Celery

redis, database = os.environ["BENCH_REDIS"], int(os.environ["BENCH_DATABASE"])
app = Celery("celery_worker", broker=f"{redis}/{database}", backend=f"{redis}/{database + 1}")
app.conf.task_default_queue = os.environ["BENCH_QUEUE"]
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = int(os.environ["BENCH_PREFETCH"])
app.conf.broker_connection_retry_on_startup = True
program = os.environ["BENCH_PROGRAM"]


@app.task(name="run")
def run(payload):
    done = subprocess.run(
        [program, "run", "-s"], input=payload.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, check=True, env={"PATH": "/usr/bin:/bin"},
    )
    return done.stdout.decode()


if __name__ == "__main__":
    queue, count, payload = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with app.producer_pool.acquire() as producer:
        for _ in range(count):
            print(run.apply_async((payload,), queue=queue, producer=producer).id)
