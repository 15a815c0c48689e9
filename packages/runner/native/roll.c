#include "roll.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { jobs_kept = 4 };

struct place {
	_Atomic pid_t server, session;
	struct {
		_Atomic pid_t pid;
		_Atomic int64_t began_ns;
	} jobs[jobs_kept];
};

struct table {
	_Atomic uint32_t taken;
	struct place places[];
};

int join_roll(struct roll *roll, int file, size_t places, size_t index)
{
	size_t size = sizeof(struct table) + places * sizeof(struct place);
	void *table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (table == MAP_FAILED)
		return 0;
	*roll = (struct roll){.table = table, .mine = &((struct table *)table)->places[index]};
	roll->mine->server = getpid();
	/* Several servers join at once. */
	uint32_t taken = roll->table->taken;
	while (taken <= index && !atomic_compare_exchange_weak(&roll->table->taken, &taken, (uint32_t)index + 1))
		;
	return 1;
}

void note_begin(struct roll *roll, pid_t job, int64_t began_ns)
{
	unsigned at = roll->next++ % jobs_kept;
	/* Nobody may see the old process with the new time. */
	roll->mine->jobs[at].pid = 0;
	roll->mine->jobs[at].began_ns = began_ns;
	roll->mine->jobs[at].pid = job;
	roll->mine->session = job;
}

void note_end(struct roll *roll)
{
	roll->mine->session = 0;
}

pid_t running(const struct roll *roll)
{
	return roll->mine->session;
}

int is_server(const struct roll *roll, pid_t pid)
{
	for (uint32_t index = 0; index < roll->table->taken; index++)
		if (roll->table->places[index].server == pid)
			return 1;
	return 0;
}

int is_running(const struct roll *roll, pid_t session)
{
	for (uint32_t index = 0; index < roll->table->taken; index++)
		if (roll->table->places[index].session == session)
			return session != 0;
	return 0;
}

int was_started_since(const struct roll *roll, pid_t pid, int64_t since_ns)
{
	for (uint32_t index = 0; index < roll->table->taken; index++)
		for (int job = 0; job < jobs_kept; job++)
			if (roll->table->places[index].jobs[job].pid == pid
			    && roll->table->places[index].jobs[job].began_ns >= since_ns)
				return 1;
	return 0;
}
