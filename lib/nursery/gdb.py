# SPDX-License-Identifier: MIT
"""For gdb: the tasks of a program that uses libnursery, of a process or of a core file.

    (gdb) source .../libnursery.so.0.1.0-gdb.py      unless gdb has loaded it with the library
    (gdb) nursery tree           the task tree: names, states, what is waited for
    (gdb) nursery tasks          the same, with the backtrace of each task that is not running

Wants the library's debug information. Nothing in the program is run or changed. The backtraces are made
by an unwinder that pretends the innermost frame had been called by the parked task: no register has to be
written, so they work in core files. They know the switch of x86_64 (context_x86_64.S); elsewhere there
is the tree alone.
"""
import gdb
import gdb.unwinder

STATES = ('runnable', 'running', 'waiting', 'ended')
SAVED = ('r12', 'r13', 'r14', 'r15', 'rbx', 'rbp', 'rip')  # in words from sp + 8


class ParkedFrame:
    """What gdb.PendingFrame.create_unwind_info() wants to know a frame by."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While it has registers, they are those of the caller of the innermost frame."""

    def __init__(self):
        super().__init__('nursery')
        self.innermost = self.registers = None

    def __call__(self, pending):
        if self.registers is None:
            return None
        sp, pc = (int(pending.read_register(name)) for name in ('rsp', 'rip'))
        if (sp, pc) != self.innermost:
            return None
        info = pending.create_unwind_info(ParkedFrame(gdb.Value(sp), gdb.Value(pc)))
        for name, value in self.registers.items():
            info.add_saved_register(name, value)
        return info

    def frames(self, sp):
        """The frames of the context that lies at sp."""
        newest = gdb.newest_frame()
        word = gdb.lookup_type('unsigned long')
        saved = gdb.Value(sp + 8).cast(word.pointer())
        registers = {name: saved[i] for i, name in enumerate(SAVED)}
        registers['rsp'] = gdb.Value(sp + 8 + 8 * len(SAVED)).cast(word)
        for value in registers.values():
            value.fetch_lazy()
        self.innermost = tuple(int(newest.read_register(name)) for name in ('rsp', 'rip'))
        self.registers = registers
        gdb.invalidate_cached_frames()
        try:
            frame = gdb.newest_frame().older()
            while frame is not None and frame.is_valid():
                yield frame
                frame = frame.older()
        finally:
            self.registers = None
            gdb.invalidate_cached_frames()


UNWINDER = ParkedUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


def entries(head, kind, member):
    """The objects of a ring of lists: struct KIND, linked by MEMBER."""
    pointer = gdb.lookup_type(kind).pointer()
    offset = next(f.bitpos // 8 for f in pointer.target().fields() if f.name == member)
    node = head['next']
    while int(node) != int(head.address):
        entry = gdb.Value(int(node) - offset).cast(pointer)
        yield entry
        node = entry[member]['next']


def text(pointer):
    return pointer.string(errors='replace') if int(pointer) else None


def name_of(task):
    symbol = gdb.block_for_pc(int(task['fn']))
    return text(task['name']) or (symbol and symbol.function and symbol.function.name) or 'task'


def has_backtrace(task):
    """Whether it has begun, and is switched by what is known here."""
    if int(task['context']['entry']):
        return False
    fields = {field.name for field in task['context'].type.fields()}
    architecture = gdb.newest_frame().architecture().name()
    return architecture == 'i386:x86-64' and 'saved' not in fields


def describe_frame(frame):
    place = frame.find_sal()
    where = f' at {place.symtab.filename}:{place.line}' if place.symtab else ''
    return f'{frame.name() or hex(frame.pc())}{where}'


def show_task(task, depth, with_frames):
    state = STATES[int(task['state'])]
    line = f'{"  " * depth}{name_of(task)}: {state}'
    if state == 'waiting':
        seconds = (int(task['run']['now']) - int(task['waiting_since'])) / 1e9
        line += f' ({text(task["wait_reason"]) or "no reason given"}) for {seconds:.3f} s'
    if task['scope'] and task['scope']['is_effectively_cancelled']:
        line += ', cancelled'
    print(f'{line}  [(struct nur_task *) {int(task):#x}]')
    if with_frames and state in ('waiting', 'runnable') and has_backtrace(task):
        for number, frame in enumerate(UNWINDER.frames(int(task['context']['sp']))):
            print(f'{"  " * depth}    #{number} {describe_frame(frame)}')


def show_run(run, with_frames):
    print('run')
    first = [] if run['is_main_done'] or not run['main'] else [run['main']]
    rest = list(entries(run['system']['children'], 'struct nur_task', 'in_nursery'))
    work = [(1, task) for task in reversed(first + rest)]
    while work:
        depth, item = work.pop()
        if item.type.target().tag == 'nur_task':
            show_task(item, depth, with_frames)
            children = entries(item['nurseries'], 'struct nur_nursery', 'in_parent')
        else:
            n = int(item['n_children'])
            print(f'{"  " * depth}nursery, {n} {"task" if n == 1 else "tasks"}')
            children = entries(item['children'], 'struct nur_task', 'in_nursery')
        work += [(depth + 1, child) for child in reversed(list(children))]


def show_all(with_frames):
    """The runs of all threads; the selected thread is selected again."""
    selected = gdb.selected_thread()
    n_runs = 0
    if selected is None:
        raise gdb.GdbError('no process and no core file')
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        thread.switch()
        run = gdb.parse_and_eval('nuri_thread_run')
        if run:
            n_runs += 1
            print(f'thread {thread.num}: ', end='')
            show_run(run, with_frames)
    selected.switch()
    if n_runs == 0:
        print('no thread is in a run')


class Nursery(gdb.Command):
    """Look at the tasks of libnursery: nursery tree, nursery tasks."""

    def __init__(self):
        super().__init__('nursery', gdb.COMMAND_STACK, prefix=True)


class Tree(gdb.Command):
    """Draw the task tree of each thread that is in a run."""

    def __init__(self):
        super().__init__('nursery tree', gdb.COMMAND_STACK)

    def invoke(self, arguments, from_tty):
        show_all(False)


class Tasks(gdb.Command):
    """Draw the task tree of each thread that is in a run, with the tasks' backtraces."""

    def __init__(self):
        super().__init__('nursery tasks', gdb.COMMAND_STACK)

    def invoke(self, arguments, from_tty):
        show_all(True)


for command in Nursery, Tree, Tasks:
    command()
