# SPDX-License-Identifier: ISC
"""The tree over a job's TARGETS by RFC 6962, from its text alone.

place.py FILE	"HOSTS TREE" of FILE, as a job names them
"""
import base64, hashlib, sys


def leaf(line):
    return hashlib.sha256(b'\0' + line).digest()


def node(left, right):
    return hashlib.sha256(b'\1' + left + right).digest()


def half(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree(lines):
    if len(lines) == 1:
        return leaf(lines[0])
    k = half(len(lines))
    return node(tree(lines[:k]), tree(lines[k:]))


def proof(i, lines):
    if len(lines) == 1:
        return []
    k = half(len(lines))
    if i < k:
        return proof(i, lines[:k]) + [tree(lines[k:])]
    return proof(i - k, lines[k:]) + [tree(lines[:k])]


def lines_of(targets):
    return targets.splitlines(keepends=True)


def named(targets):
    lines = lines_of(targets)
    return {'hosts': str(len(lines)), 'tree': tree(lines).hex()}


def place(targets, host, index=None):
    """What the host is shown; index: another than is true."""
    lines = lines_of(targets)
    i = [l.split()[1] for l in lines].index(host.encode())
    return b'%d\n%s' % (i if index is None else index, lines[i]) + b''.join(
        base64.b64encode(h) + b'\n' for h in proof(i, lines))


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as f:
        print('%(hosts)s %(tree)s' % named(f.read()))
