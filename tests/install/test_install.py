#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs the build into an empty folder, and uses it from there as somebody else would.

    test_install.py SOURCE BUILD MESON [ORIGIN]       ORIGIN: lib/fetch was built, and is tried with it

Each program is made by `$CC program $(pkg-config --cflags --libs LIBRARY)`, by each compiler there is, with
the shared libraries and then with the static ones alone. Prints TAP.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

C = ('gcc', 'clang')
CXX = (('g++', '-std=c++17'), ('clang++', '-std=c++17'))


def output(command, **options):
    """(exit status, what it printed, complaints included)"""
    result = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **options)
    return result.returncode, result.stdout


class Install:
    def __init__(self, source, build, meson, origin, dest):
        self.source, self.origin, self.dest = source, origin, dest
        self.n = self.n_bad = 0
        r, text = output([meson, 'install', '-C', build, '--no-rebuild', '--destdir', dest])
        self.tell('meson install', r == 0, text)
        self.libraries = {path.stem: path.parent.parent for path in dest.rglob('*.pc')}

    def tell(self, name, is_good, text=''):
        self.n += 1
        self.n_bad += not is_good
        print(f'{"" if is_good else "not "}ok {self.n} - {name}')
        if not is_good:
            print(*(f'# {line}' for line in text.splitlines()), sep='\n')

    def flags(self, library, *options):
        """pkg-config's words for what lies below DESTDIR; the other packages are the system's."""
        folder = self.libraries[library]
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(self.dest), PKG_CONFIG_PATH=str(folder / 'pkgconfig'),
                   PKG_CONFIG_ALLOW_SYSTEM_CFLAGS='1', PKG_CONFIG_ALLOW_SYSTEM_LIBS='1')
        return subprocess.run(['pkg-config', *options, '--cflags', '--libs', library], env=env, check=True,
                              text=True, stdout=subprocess.PIPE).stdout.split()

    def run(self, library, program):
        """(is it good, what it printed) of a program that was made here"""
        env = dict(os.environ, LD_LIBRARY_PATH=str(self.libraries[library]))
        examples = self.source / 'lib/examples'
        if program.stem == 'fetch_urls':
            script = self.source / 'tests/examples/test_fetch_urls.py'
            r, text = output([script, self.origin, program, examples / 'fetch_urls.out'], env=env)
            return r == 0, text
        r, text = output([program], env=env)
        expected = {'nursery': 'sum 3, scope success\n', 'fetch': 'failed: bad_url\n'}.get(program.stem)
        return r == 0 and text == (expected or (examples / f'{program.stem}.out').read_text()), text

    def check(self, library, source, compiler, kind):
        """Makes a program and runs it; with static libraries none of ours is looked for at run time."""
        name = f'{source.name} by {compiler[0]}, {kind}'
        if not shutil.which(compiler[0]):
            self.n += 1
            print(f'ok {self.n} - {name} # SKIP no {compiler[0]}')
            return
        program = self.dest / source.stem
        r, text = output([*compiler, '-Wall', '-Werror', '-o', program, source,
                          *self.flags(library, *(['--static'] if kind == 'static' else []))])
        if r == 0:
            needed = re.findall(r'NEEDED.*\[lib(nursery|fetch)\.so\.0\]', output(['readelf', '-d', program])[1])
            is_good, text = self.run(library, program)
            is_good = is_good and (not needed if kind == 'static' else library in needed)
            text += f'needs {needed}'
        self.tell(name, r == 0 and is_good, text)

    def check_all(self, kind):
        examples, ours = self.source / 'lib/examples', self.source / 'tests/install'
        for compiler in C:
            self.check('nursery', examples / 'task_group.c', [compiler], kind)
            if self.origin:
                self.check('fetch', examples / 'fetch_urls.c', [compiler], kind)
        for compiler in CXX:
            self.check('nursery', ours / 'nursery.cc', compiler, kind)
            if self.origin:
                self.check('fetch', ours / 'fetch.cc', compiler, kind)

    def check_pages(self):
        """A page for each header but those without a call, and one for each call that nursery(7) names."""
        pages = {path.name for path in self.dest.rglob('man3/*.3') if path.exists()}
        prefixes = {'nursery': 'nur', 'fetch': 'fetch'}
        wanted = {f'{prefixes[path.parent.name]}_{path.stem}' for path in self.dest.rglob('include/*/*.h')}
        wanted = wanted - {'nur_macros', 'fetch_reason', 'fetch_fetch'} | {'fetch'}
        text = (self.source / 'docs/man/nursery.7.scd').read_text()
        wanted |= set(re.findall(r'\*(\w+)\*\(3\)', text))
        wanted -= set() if self.origin else {'fetch'}  # without fetchd there is no lib/fetch
        missing = sorted(name for name in wanted if f'{name}.3' not in pages)
        self.tell('every public header, and every call of nursery(7), has its page', not missing, '\n'.join(missing))

    def check_files(self):
        headers = self.source / 'lib/nursery/include'
        missing = [path.name for path in headers.rglob('*.h')
                   if not list(self.dest.rglob(f'include/{path.relative_to(headers)}'))]
        self.tell('every public header is there', not missing, '\n'.join(missing))
        if shutil.which('scdoc'):
            self.check_pages()
        if self.origin:
            shared = self.libraries['fetch'] / 'libfetch.so'
            text = output(['readelf', '-d', shared])[1]
            places = ('bash-completion/completions/fetchctl.bash', 'zsh/site-functions/_fetchctl',
                      'fish/vendor_completions.d/fetchctl.fish')
            missing = [place for place in places if not list(self.dest.rglob(f'share/{place}'))]
            self.tell('shells find what they complete', not missing, '\n'.join(missing))
            self.tell('libfetch.so shares the runtime', 'libnursery.so.0' in text and 'libfetch.so.0' in text, text)


def main():
    source, build = (pathlib.Path(argument) for argument in sys.argv[1:3])
    origin = sys.argv[4] if len(sys.argv) > 4 else None
    with tempfile.TemporaryDirectory() as dest:
        install = Install(source, build, sys.argv[3], origin, pathlib.Path(dest))
        install.check_files()
        install.check_all('shared')
        for path in list(pathlib.Path(dest).rglob('*.so*')):
            path.unlink()
        install.check_all('static')
    print(f'1..{install.n}')
    return 1 if install.n_bad else 0


if __name__ == '__main__':
    sys.exit(main())
