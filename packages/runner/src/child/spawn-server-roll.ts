/**
 * What spawn servers know of each other, as a part of their program: a table in a file that all of them share. Each has a
 * place with its own pid and that of the session it runs, and a record of the jobs it started last: a mark that no number
 * holds, a pid, and when. With it one server tells the jobs of the others from what its own job left behind.
 */
export const spawnServerRoll = String.raw`
class Roll:
    place, record, mark, kept = struct.Struct("<II"), struct.Struct("<4sId"), b"\xff\xff\xff\xff", 4

    def __init__(self, file, index):
        self.size = self.place.size + self.kept * self.record.size
        self.table = mmap.mmap(file, NUMBER.size + places * self.size)
        self.start, self.next = NUMBER.size + index * self.size, 0
        if self.count() <= index:
            NUMBER.pack_into(self.table, 0, index + 1)
        self.pid = os.getpid()
        self.told(0)

    def count(self):
        return NUMBER.unpack_from(self.table)[0]

    def told(self, current):
        self.place.pack_into(self.table, self.start, self.pid, current)

    def begin(self, pid, began):
        at = self.start + self.place.size + self.next * self.record.size
        self.next = (self.next + 1) % self.kept
        self.record.pack_into(self.table, at, self.mark, pid, began)
        self.told(pid)

    def current(self):
        return self.place.unpack_from(self.table, self.start)[1]

    def everybody(self):
        return [self.place.unpack_from(self.table, NUMBER.size + index * self.size) for index in range(self.count())]

    def started_since(self, pid, began):
        at = self.table.find(self.mark + NUMBER.pack(pid), 0, NUMBER.size + self.count() * self.size)
        return at >= 0 and self.record.unpack_from(self.table, at)[2] >= began
`;
