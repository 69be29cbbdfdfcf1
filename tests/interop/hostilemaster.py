# SPDX-License-Identifier: ISC
"""A master that is not honest, and the agent that must not care.

hostilemaster.py DIR	DIR is what 93-hostile-master.sh has made there

Plays a master by tools/playmaster, which says whatever lies in DIR/play, to a
real `writ-agent run`.  First it is an honest one, to see that each thing is taken
when it is good; then each attack of the table changes what it says, and then:
nothing that the host holds has changed, no file that a state would write is
there, and one alarm came of it, however often it is said.

A line a check: "ok NAME" or "FAIL NAME: why".
"""
import base64, copy, glob, hashlib, json, os, re, secrets, subprocess, sys, time
from place import named, place

O, T = os.environ['O'], sys.argv[1]
os.chdir(T)
PLAY, STATE = T + '/play', T + '/state'
DROPIN = '/etc/security/limits.d'
PORT = int(os.environ['PORT'])
LATE = 20  # seconds after which what did not happen will not


def sha(b):
    return hashlib.sha256(b).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, b):
    with open(path + '.new', 'wb') as f:
        f.write(b if isinstance(b, bytes) else b.encode())
    os.rename(path + '.new', path)


def when(seconds=0):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + seconds))


def line(key):
    return ' '.join(read(key + '.pub').decode().split()[:2])


def name(text):
    return sha(text[:text.index(b'\n') + 1])


def sign(o, keys, namespace=None):
    """The statement of object o, signed by stock ssh-keygen with those keys."""
    text = json.dumps(o, separators=(',', ':')).encode() + b'\n'
    return resign(text, keys, namespace or o['type'] + '@writ')


def resign(text, keys, namespace):
    out = text
    for key in keys:
        write('tbs', text)
        if os.path.exists('tbs.sig'):
            os.unlink('tbs.sig')
        subprocess.run(['ssh-keygen', '-q', '-Y', 'sign', '-f', key, '-n',
                        namespace, 'tbs'], check=True,
                       stderr=subprocess.DEVNULL)
        out += read('tbs.sig')
    return out


class Deployment:
    """Signed bundles of `writ`, and statements like theirs."""

    def __init__(self, dir):
        self.dir = dir
        self.realm = sha(read(dir + '/bundle/root.1.yaml'))

    def new(self, type, by, at=0, **more):
        return dict({'v': 1, 'type': type, 'realm': self.realm, 'by': by,
                     'at': when(at), 'nonce': secrets.token_hex(16)}, **more)

    def newest(self, prefix):
        n = 1
        while os.path.exists('%s/bundle/%s.%d' % (self.dir, prefix, n + 1)):
            n += 1
        return n, read('%s/bundle/%s.%d' % (self.dir, prefix, n))

    def roots(self, after=0):
        out = []
        for n in range(after + 1, self.newest('root')[0] + 1):
            f = read('%s/bundle/root.%d.yaml' % (self.dir, n))
            put(f)
            out.append({'version': str(n), 'file': sha(f), 'size': str(len(f)),
                        'statement': read('%s/bundle/root.%d' % (self.dir, n)).decode()})
        return out

    def files(self):
        for path in glob.glob(self.dir + '/bundle/' + '?' * 64):
            put(read(path))


def put(b, as_name=None):
    write('%s/objects/%s' % (PLAY, as_name or sha(b)), b)
    return as_name or sha(b)


def put_statement(text):
    return put(text, name(text))


def field(text, key):
    return json.loads(text.split(b'\n', 1)[0])[key]


def manifest_of(files):
    """MANIFEST of {path: bytes}, all of it given to the master but other hosts'
    pillar, which an honest one gives to nobody else."""
    text = ''
    for path in sorted(files):
        if path != 'pillar/secret.yaml':
            put(files[path])
        text += '%s %d %s\n' % (sha(files[path]), len(files[path]), path)
    return text.encode()


# --- what the master says --------------------------------------------------------

want = {}


def say(w):
    global want
    want = w
    write(PLAY + '/want', json.dumps(w))


def answer(call, o):
    write('%s/%s' % (PLAY, call), o if isinstance(o, (bytes, str)) else json.dumps(o))


def chain_policy(statement, manifest, roots=None):
    put(manifest)
    said = {'roots': corp.roots() if roots is None else roots,
            'statement': statement.decode(), 'manifest': sha(manifest),
            'size': str(len(manifest))}
    answer('chain.policy', said)
    # The host has root 1 already.
    answer('chain.policy.1', dict(said, roots=said['roots'][1:] if roots is None else roots))
    put_statement(statement)
    return {'version': field(statement, 'version'), 'statement': name(statement)}


def chain_fleet(statement, manifest, between=()):
    put(manifest)
    answer('chain.fleet', {
        'between': [t.decode() for t in between],
        'statement': statement.decode(), 'manifest': sha(manifest),
        'size': str(len(manifest))})
    put_statement(statement)
    return {'version': field(statement, 'version'), 'statement': name(statement)}


def job_of(statement, targets, shown=None, given=None):
    """An order; a place and a statement other than it has when it is asked for."""
    if shown is None:
        shown = place(targets, HOST)
    answer('order', {'statement': (given or statement).decode(), 'place': shown.decode()})
    return {'statement': name(statement)}


# --- the agent -------------------------------------------------------------------

def reports(kind=None):
    out = []
    for n in range(1, 100000):
        path = '%s/reports/%d' % (PLAY, n)
        if not os.path.exists(path):
            return out
        o = json.loads(read(path).split(b'\n', 1)[0])
        if kind is None or o['kind'] == kind:
            out.append(o)


def held():
    return json.loads(read(STATE + '/held'))


def wait(what, true):
    end = time.time() + LATE
    while time.time() < end:
        got = true()
        if got:
            return got
        time.sleep(0.02)
    raise Failed('%s did not happen' % what)


class Failed(Exception):
    pass


def applied():
    return sorted(os.listdir(DROPIN))


passed = failed = 0


def check(what, true, why=''):
    global passed, failed
    if true:
        passed += 1
        print('ok', what, flush=True)
    else:
        failed += 1
        print('FAIL %s: %s' % (what, why), flush=True)


# --- policies and orders ---------------------------------------------------------

def policy(version, previous, files, by='olga@example.com', keys=('olga', 'ivan'),
           expires=90 * 86400, manifest=None, dep=None, namespace=None, **more):
    manifest = manifest_of(files) if manifest is None else manifest
    o = (dep or corp).new('policy', by, version=str(version), expires=when(expires),
                          manifest=sha(manifest), size=str(len(manifest)),
                          previous=previous, **more)
    return sign(o, keys, namespace), manifest


def fleet(version, previous, files, by='petra@example.com', keys=('petra', 'piet'),
          expires=90 * 86400, manifest=None, **more):
    manifest = manifest_of(files) if manifest is None else manifest
    o = corp.new('fleet', by, version=str(version), expires=when(expires),
                 manifest=sha(manifest), size=str(len(manifest)), **more)
    if previous:
        o['previous'] = previous
    return sign(o, keys), manifest


def order(version, bundle, targets, by='petra@example.com', keys=('petra', 'piet'),
          mode='enforce', expires=86400, at=0, **more):
    o = corp.new('job', by, at=at, version=str(version), bundle=bundle,
                 targets=sha(targets), size=str(len(targets)), **named(targets), mode=mode,
                 max_failures='0', expires=when(expires))
    o.update(more)
    return sign(o, keys)


HOST = 'web-1.example.com'
TARGETS = ('1 %s\n' % HOST).encode()
# HOST is one of seven, where trees have every shape.
SEVEN = b'1 db-1.example.com\n1 db-2.example.com\n2 mail.example.com\n2 ' \
    + HOST.encode() + b'\n' + b''.join(b'3 web-%d.example.com\n' % n for n in range(2, 5))


def fleet_files(n, pillar=('common',), limit=None):
    files = {
        'fleet.yaml': b'hosts: {interval: 1h, splay: 10m}\nroles: {web: ["web-*"]}\n',
        'top.yaml': b'states:\n  - match: "*"\n    apply: [base]\n'
                    b'pillar:\n  - match: "*"\n    use: [common]\n'
                    b'  - match: "db-*"\n    use: [secret]\n',
        'states/base.yaml': b'cap:\n  pam_limits:\n    limits: [{domain: "@users", type: hard, item: sigpending, value: %d}]\n' % (limit or 1000 + n),
        'pillar/common.yaml': b'a: 1\n',
        'pillar/secret.yaml': b'b: 2\n',
    }
    return files



# --- first an honest master --------------------------------------------------------

os.makedirs(PLAY + '/objects')
os.makedirs(PLAY + '/reports')
corp = Deployment('corp')
corp.files()
write('agent.yaml', """root: "%s"
masters:
  - {address: "127.0.0.1:%d", key: "%s"}
user: %s
host_key: %s/hostkey
""" % (os.environ['ROOT'], PORT, line('master'), os.environ['AS'], T))
master = [subprocess.Popen([O + '/tools/playmaster', '127.0.0.1:%d' % PORT,
                            'master', PLAY])]


def begun_agent():
    return subprocess.Popen([O + '/writ-agent', 'run', '--config', T + '/agent.yaml',
                             '--state', STATE], stderr=open('agent.log', 'ab'))


agent = begun_agent()


def name_before(w):
    return a_rename(w, 'rename: .*this host is www', host='web-9.example.com',
                    to='web-8.example.com', before=good['renames'])


def end():
    agent.terminate()
    master[0].terminate()
    agent.wait()
    master[0].wait()


def newest_alarm():
    return [r['message'] for r in reports('alarm')]


def have(what, true):
    wait(what, true)
    check(what, True)


def certificate(ca='corp/keys/host_ca', key='hostkey', names=HOST, to='+30d', host=True):
    if os.path.exists(key + '-cert.pub'):
        os.unlink(key + '-cert.pub')
    subprocess.run(['ssh-keygen', '-q', '-s', ca, '-I', 'x', '-n', names, '-V', to, '-z', '7']
                   + (['-h'] if host else []) + [key + '.pub'], check=True)
    return read(key + '-cert.pub').rstrip(b'\n')


def krl_list(version, text='serial: 5\n'):
    write('krl.spec', text)
    subprocess.run(['ssh-keygen', '-q', '-k', '-f', 'krl.out', '-s', 'corp/policy/authorities/user_ca.pub',
                    '-z', str(version), 'krl.spec'], check=True)
    return read('krl.out')


def krl_want(version, b, key='corp/keys/ca_log', by='ca_log', at=0, claim=None, **more):
    o = corp.new('krl', by, at=at, version=str(version), file=sha(b), size=str(len(b)),
                 next_update=when(3600))
    o.update(more)
    statement = sign(o, [key])
    put(b)
    return {'version': str(version), 'statement': put_statement(statement),
            'file': sha(b), 'size': str(len(b))}


enrol = accept = accept_fields = policy_1 = good = None
fleets = {}


def begin():
    """A host comes in, and takes what is good."""
    global enrol, accept, accept_fields, policy_1, good
    enrol = wait('the host asks in', lambda: os.path.exists(PLAY + '/enrol.statement')
                 and read(PLAY + '/enrol.statement'))
    check('a host asks in, with both keys', enrol.count(b'BEGIN SSH') == 2)
    put_statement(enrol)
    accept_fields = dict(host=HOST, enrol=name(enrol), host_key=line('hostkey'),
                         transport_key=field(enrol, 'transport_key'), names=[HOST],
                         renew_until=when(365 * 86400))
    accept = sign(corp.new('accept', 'petra@example.com', **accept_fields), ['petra'])
    transport = field(enrol, 'transport_key').split()[1]
    print_of = 'SHA256:' + base64.b64encode(hashlib.sha256(
        base64.b64decode(transport)).digest()).decode().rstrip('=')
    policy_1 = corp.newest('policy')[1]
    base = {'policy': chain_policy(policy_1, read('corp/bundle/' + field(policy_1, 'manifest'))),
            'accept': put_statement(accept), 'seq': '0'}
    say(base)
    answer('hello', {'now': when(-10800)})
    write(PLAY + '/hosts', '%s %s\n' % (print_of, HOST))
    answer('enrol', {'state': 'accepted', 'host': 'somebody-else', 'acceptance': accept.decode()})
    wait('the acceptance is taken', lambda: os.path.exists(STATE + '/held')
         and held().get('host') == HOST)
    check('the host is who the acceptance says', True)
    due = when(3600)
    base['krl'] = krl_want(2, krl_list(2), next_update=due)
    say(base)
    have('a revocation list is taken', lambda: held().get('krl_version') == '2')
    check('and when there is to be another', held().get('krl_next') == due, held())
    base['certificate'] = put(certificate())
    say(base)
    have('a host certificate is taken', lambda: os.path.exists(STATE + '/certificate'))
    statement, manifest = fleet(1, None, fleet_files(1))
    fleets[1] = statement
    base['fleet'] = chain_fleet(statement, manifest)
    base['job'] = job_of(order(1, name(statement), TARGETS, mode='test', at=-30), TARGETS)
    say(base)
    wait('a test is reported', lambda: reports('run'))
    r = reports('run')[-1]
    check('an order to test says what would change',
          (r['mode'], r['outcome']) == ('test', 'changed') and applied() == [], r)
    base['asks'] = [{'id': '1', 'diff': r['changes'][0]['diff']}]
    say(base)
    base['job'] = job_of(order(1, name(statement), TARGETS, at=-20), TARGETS)
    say(base)
    wait('an order is carried out', lambda: len(reports('run')) == 2)
    r = reports('run')[-1]
    check('an order to enforce changes the host',
          (r['mode'], r['outcome']) == ('enforce', 'changed') and applied() != [], r)
    check('and how far its clock is from the master\'s is told with it',
          10800 <= r['clock'] < 14400, r)
    check('a diff is kept and told when asked', 'diff host/' in read(PLAY + '/calls').decode())
    # Version 2 is the one that attacks would bring it behind.
    statement, manifest = fleet(2, name(fleets[1]), fleet_files(2))
    fleets[2] = statement
    base['fleet'] = chain_fleet(statement, manifest)
    base['job'] = job_of(order(2, name(statement), TARGETS, at=-10), TARGETS)
    say(base)
    wait('a newer version is carried out', lambda: len(reports('run')) == 3)
    check('a host goes on to a newer version', held()['fleet_version'] == '2', held())
    seqs = [int(r['seq']) for r in reports()]
    check('reports follow one on the other', seqs == list(range(1, len(seqs) + 1)), seqs)
    check('nothing of it was an alarm', reports('alarm') == [], newest_alarm())
    good = base



# --- then the others -----------------------------------------------------------------
# An attack makes want() of a copy of what the honest master says, and what `chain`
# answers; it returns what the alarm has to say.

def newest_policy(**more):
    return policy(2, name(policy_1), policy_files(), **more)


def policy_files(**change):
    files = {}
    for entry in read('corp/bundle/' + field(policy_1, 'manifest')).decode().split('\n')[:-1]:
        h, size, path = entry.split(' ', 2)
        files[path] = read('corp/bundle/' + h)
    files.update({k: v for k, v in change.items()})
    return files


def a_policy(w, alarm, *args, roots=None, **more):
    w['policy'] = chain_policy(*newest_policy(**more), roots=roots)
    return alarm


def job(w, alarm, statement, targets=TARGETS, **more):
    w['job'] = job_of(statement, targets, **more)
    return alarm


def shown(alarm, change):
    """A good order to the host, and a place that is changed from its own."""
    return lambda w: job(w, 'job: .*' + alarm, order(2, name(fleets[2]), SEVEN),
                         shown=change(place(SEVEN, HOST)))


def cut(p):
    return p[:p.rindex(b'\n', 0, -1) + 1]


def newer_fleet(w, files=None, version=3, previous=None, between=(), give=None, **more):
    """Version 3 and an order to it, good but for what is said."""
    statement, manifest = fleet(version, previous or name(fleets[2]),
                                files or fleet_files(3), **more)
    w['fleet'] = chain_fleet(statement, manifest, between)
    w['job'] = job_of(order(version, name(statement), TARGETS), TARGETS)
    return statement, manifest


def an_accept(w, alarm, by='petra@example.com', keys=('petra',), at=0, dep=None, **more):
    o = (dep or corp).new('accept', by, at=at, **dict(accept_fields, **more))
    w['accept'] = put_statement(sign(o, keys))
    return alarm


def a_token(w, alarm, hosts='web-*.example.com', expires=3600, by='petra', give=True):
    token = sign(corp.new('token', by + '@example.com', key=line('other'), hosts=hosts,
                          count='1', expires=when(expires)), [by])
    if give:
        put_statement(token)
    fields = dict(accept_fields, token=name(token))
    o = corp.new('accept', HOST, **fields)
    w['accept'] = put_statement(sign(o, ['other']))
    return alarm


def a_rename(w, alarm, by='petra@example.com', keys=('petra',), at=0, dep=None,
             before=(), host=None, to='www.example.com'):
    s = sign((dep or corp).new('rename', by, at=at, host=host or HOST, to=to, names=[to]), keys)
    w['renames'] = list(before) + [put_statement(s)]
    return alarm


def r_order(w):
    a_rename(w, '', host='web-9.example.com')
    return a_rename(w, 'rename: .*of web-9', to='web-9.example.com', before=w['renames'])


def a_krl(w, alarm, version=3, b=None, **more):
    w['krl'] = krl_want(version, b if b is not None else krl_list(version), **more)
    return alarm


def a_cert(w, alarm, **more):
    w['certificate'] = put(certificate(**more))
    return alarm


def swapped(w, alarm, what):
    """The object of that name is another one."""
    files = fleet_files(3, limit=1500 + len(what))
    statement, manifest = newer_fleet(w, files)
    victim = manifest if what == 'manifest' else files[what]
    put(b'x' * len(victim), sha(victim))
    return alarm


def endless(w, alarm, claim):
    statement, manifest = newer_fleet(w)
    write('%s/objects/%s.more' % (PLAY, sha(manifest)), str(claim))
    return alarm


def other_realm():
    return Deployment('elsewhere')


def p_unsigned(w):
    s, m = newest_policy()
    w['policy'] = chain_policy(s.split(b'-----BEGIN')[0], m)
    return 'policy: .*not signed'


def p_rollback(w):
    # 0 of the same chain does not exist: the one held again with other content.
    s, m = policy(1, name(policy_1), policy_files(), keys=('olga', 'ivan'))
    o = json.loads(s.split(b'\n', 1)[0])
    del o['previous']
    s = sign(o, ['olga', 'ivan'])
    w['policy'] = chain_policy(s, m)
    return 'policy: .*version 1'


def p_elsewhere(w):
    d = other_realm()
    d.files()
    s = d.newest('policy')[1]
    w['policy'] = chain_policy(s, read('elsewhere/bundle/' + field(s, 'manifest')),
                               roots=d.roots())
    return 'policy: '


def p_root(w):
    """Root 2 by somebody who is nobody."""
    text = read('corp/bundle/root.1.yaml').replace(b'version: 1', b'version: 2')
    put(text)
    o = corp.new('root', 'stranger@example.com', version='2', file=sha(text))
    root = {'version': '2', 'file': sha(text), 'size': str(len(text)),
            'statement': sign(o, ['stranger']).decode()}
    files = policy_files()
    files['root.yaml'] = text
    s, m = policy(2, name(policy_1), files)
    w['policy'] = chain_policy(s, m, roots=[root])
    answer('chain.policy', dict(json.loads(read(PLAY + '/chain.policy')), roots=corp.roots() + [root]))
    return 'policy: '


def p_roots_order(w):
    r = corp.roots()[0]
    s, m = newest_policy()
    w['policy'] = chain_policy(s, m, roots=[dict(r, version='3')])
    return 'policy: .*out of order'


def p_roots_endless(w):
    r = corp.roots()[0]
    s, m = newest_policy()
    w['policy'] = chain_policy(s, m, roots=[dict(r, version=str(i + 1)) for i in range(1100)])
    return 'policy: .*roots'


def p_manifest(w, manifest, alarm):
    s, m = newest_policy(manifest=manifest)
    w['policy'] = chain_policy(s, m)
    return alarm


def p_type(w):
    f, fm = fleet(3, name(fleets[2]), fleet_files(3))
    put_statement(f)
    w['policy'] = chain_policy(f, fm)
    return 'policy: '


def p_twice(w):
    s, m = newest_policy()
    text, rest = s.split(b'\n', 1)
    text = text.replace(b'{"v":1,', b'{"v":1,"v":1,') + b'\n'
    w['policy'] = chain_policy(resign(text, ['olga', 'ivan'], 'policy@writ'), m)
    return 'policy: '


def j_other_bundle(w):
    statement, manifest = fleet(3, name(fleets[2]), fleet_files(3))
    other, other_m = fleet(3, name(fleets[2]), fleet_files(4))
    w['fleet'] = chain_fleet(other, other_m)
    return job(w, 'job: ', order(3, name(statement), TARGETS))


def j_replayed(w):
    return job(w, 'job: ', order(1, name(fleets[1]), TARGETS, at=-15))


def j_rollback(w):
    manifest = [f for f in [manifest_of(fleet_files(1))]][0]
    w['fleet'] = chain_fleet(fleets[1], manifest)
    return job(w, 'job: ', order(1, name(fleets[1]), TARGETS))


def j_swapped(w):
    """Another good order than the one that is wanted."""
    return job(w, 'job: .*not what it was asked as', order(2, name(fleets[2]), TARGETS),
               given=order(2, name(fleets[2]), SEVEN, at=-1))


def j_between(w):
    f3, _ = fleet(3, name(fleets[2]), fleet_files(3))
    f4, _ = fleet(4, name(f3), fleet_files(4))
    newer_fleet(w, version=5, previous=name(f4), between=[f4])
    return 'job: '


def j_ahead(w):
    newer_fleet(w, version=9, previous='ab' * 32)
    return 'job: '


def j_pillar(w):
    put(fleet_files(3)['pillar/secret.yaml'])
    newer_fleet(w)
    return 'job: .*pillar'


def j_no_pillar(w):
    newer_fleet(w, dict(fleet_files(3), **{'pillar/common.yaml': b'a: 33\n'}))
    os.unlink('%s/objects/%s' % (PLAY, sha(b'a: 33\n')))
    return 'job: .*pillar'


def j_path(w, path):
    files = fleet_files(3)
    text = manifest_of(files).decode()
    evil = b'evil\n'
    put(evil)
    text = '\n'.join(sorted(text.split('\n')[:-1] + ['%s %d %s' % (sha(evil), len(evil), path)],
                            key=lambda l: l.split(' ', 2)[2])) + '\n'
    newer_fleet(w, files, manifest=text.encode())
    return 'job: '


def j_giant(w):
    text = manifest_of(fleet_files(3)).decode().rstrip('\n')
    big = '%s %d states/z.yaml' % ('ab' * 32, 10 ** 15)
    lines = sorted(text.split('\n') + [big], key=lambda l: l.split(' ', 2)[2])
    newer_fleet(w, manifest=('\n'.join(lines) + '\n').encode())
    return 'job: '


def j_endless_between(w):
    f3, _ = fleet(3, name(fleets[2]), fleet_files(3))
    newer_fleet(w, version=4, previous=name(f3), between=[f3] * 4200)
    return 'job: .*between'


def raw_want(text):
    def attack(w):
        write(PLAY + '/want', text)
        return 'attend: '
    return attack


def said(w, key, value, alarm):
    w[key] = value
    return alarm


def reordered(w):
    statement, manifest = newer_fleet(w)
    lines = manifest.decode().split('\n')[:-1]
    newer_fleet(w, manifest=('\n'.join(reversed(lines)) + '\n').encode())
    return 'job: '


ATTACKS = [
    # policy
    ('an unsigned policy', p_unsigned),
    ('a policy one signer short', lambda w: a_policy(w, 'policy: ', keys=('olga',))),
    ('a policy signed twice by one officer',
     lambda w: a_policy(w, 'policy: ', keys=('olga', 'olga'))),
    ('a policy signed by a stranger',
     lambda w: a_policy(w, 'policy: ', keys=('olga', 'stranger'))),
    ('a policy signed by operators',
     lambda w: a_policy(w, 'policy: ', by='petra@example.com', keys=('petra', 'piet'))),
    ('a policy signed as a fleet', lambda w: a_policy(w, 'policy: ', namespace='fleet@writ')),
    ('another version 1 of the policy', p_rollback),
    ('a policy that has expired', lambda w: a_policy(w, 'policy: ', expires=-40 * 86400)),
    ('the policy of another realm', p_elsewhere),
    ('a root that nobody signed', p_root),
    ('roots out of order', p_roots_order),
    ('roots without an end', p_roots_endless),
    ('a fleet in the place of a policy', p_type),
    ('a policy that says a field twice', p_twice),
    ('a policy with a file outside of it',
     lambda w: p_manifest(w, b'%s 1 ../../../etc/shadow\n' % (b'ab' * 32), 'policy: ')),
    ('a policy with an absolute path',
     lambda w: p_manifest(w, b'%s 1 /etc/shadow\n' % (b'ab' * 32), 'policy: ')),
    ('a MANIFEST that is none', lambda w: p_manifest(w, b'\0' * 100, 'policy: ')),
    # acceptance
    ('an acceptance nobody signed',
     lambda w: an_accept(w, 'accept: ', keys=())),
    ('an acceptance by an officer',
     lambda w: an_accept(w, 'accept: ', by='olga@example.com', keys=('olga',))),
    ('an acceptance that another one signed',
     lambda w: an_accept(w, 'accept: ', keys=('stranger',))),
    ('an acceptance of another host key',
     lambda w: an_accept(w, 'accept: ', host_key=line('otherhost'))),
    ('an acceptance of another transport key',
     lambda w: an_accept(w, 'accept: ', transport_key=line('other'))),
    ('an acceptance that is older', lambda w: an_accept(w, 'accept: ', at=-86400)),
    ('an acceptance from the future', lambda w: an_accept(w, 'accept: ', at=86400)),
    ('an acceptance that is over', lambda w: an_accept(w, 'accept: ', renew_until=when(-3600))),
    ('an acceptance of another realm',
     lambda w: an_accept(w, 'accept: ', dep=other_realm())),
    ('a token for other hosts', lambda w: a_token(w, 'accept: ', hosts='db-*.example.com')),
    ('a token that is over', lambda w: a_token(w, 'accept: ', expires=-3600)),
    ('a token by an officer', lambda w: a_token(w, 'accept: ', by='olga')),
    # another name
    ('a rename nobody signed', lambda w: a_rename(w, 'rename: ', keys=())),
    ('a rename by an officer',
     lambda w: a_rename(w, 'rename: ', by='olga@example.com', keys=('olga',))),
    ('a rename that another one signed', lambda w: a_rename(w, 'rename: ', keys=('stranger',))),
    ('a rename of another host',
     lambda w: a_rename(w, 'rename: .*db-1', host='db-1.example.com')),
    ('a rename from before the acceptance', lambda w: a_rename(w, 'rename: .*older', at=-86400)),
    ('a rename from the future', lambda w: a_rename(w, 'rename: .*future', at=86400)),
    ('a rename of another realm', lambda w: a_rename(w, 'rename: ', dep=other_realm())),
    ('an acceptance in the place of a rename',
     lambda w: said(w, 'renames', [w['accept']], 'rename: .*expected a rename')),
    ('renames out of order', r_order),
    ('more renames than there can be',
     lambda w: said(w, 'renames', ['%064x' % i for i in range(65)],
                    'renames: .*65 renames, expected at most 64')),
    ('a rename that is no name', lambda w: said(w, 'renames', [7], 'rename: .*no hash')),
    # revocation lists
    ('a revocation list by nobody', lambda w: a_krl(w, 'krl: ', key='stranger')),
    ('a revocation list by a CA', lambda w: a_krl(w, 'krl: ', key='corp/keys/user_ca')),
    ('a revocation list rolled back', lambda w: a_krl(w, 'krl: .*1, but', version=1)),
    ('another list of the same version',
     lambda w: a_krl(w, 'krl: ', version=2, b=krl_list(2, 'serial: 6\n'))),
    ('a revocation list from the future', lambda w: a_krl(w, 'krl: ', at=86400)),
    ('a revocation list of another realm',
     lambda w: a_krl(w, 'krl: ', realm=other_realm().realm)),
    ('a revocation list that is none', lambda w: a_krl(w, 'krl: ', b=b'SSHKRL\n\0' + b'\0' * 40)),
    ('a list that says another version', lambda w: a_krl(w, 'krl: ', b=krl_list(4))),
    # certificates
    ('the certificate of another host', lambda w: a_cert(w, 'certificate: ', key='otherhost')),
    ('a certificate by another CA', lambda w: a_cert(w, 'certificate: ', ca='other')),
    ('a certificate by the CA of users',
     lambda w: a_cert(w, 'certificate: ', ca='corp/keys/user_ca')),
    ('a certificate for a user', lambda w: a_cert(w, 'certificate: ', host=False)),
    ('a certificate for other names',
     lambda w: a_cert(w, 'certificate: ', names=HOST + ',db-1.example.com')),
    ('a certificate that has expired',
     lambda w: a_cert(w, 'certificate: ', to='-2d:-1d')),
    ('a certificate for good', lambda w: a_cert(w, 'certificate: ', to='always:forever')),
    # orders
    ('an order nobody signed',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, keys=()))),
    ('an order one signer short',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, keys=('petra',)))),
    ('an order by officers',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, by='olga@example.com',
                                     keys=('olga', 'ivan')))),
    ('an order of another realm',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, realm=other_realm().realm))),
    ('an order to other hosts',
     lambda w: job(w, 'job: .*db-1.example.com, expected that of web-1',
                   order(2, name(fleets[2]), b'1 db-1.example.com\n'),
                   shown=place(b'1 db-1.example.com\n', 'db-1.example.com'))),
    ('an order that was there before', j_replayed),
    ('an order that has expired',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, at=-3, expires=-1))),
    ('an order from the future',
     lambda w: job(w, 'job: ', order(2, name(fleets[2]), TARGETS, at=86400, expires=2 * 86400))),
    ('another order in its place', j_swapped),
    ('an order without a tree',
     lambda w: job(w, 'job: .*tree', order(2, name(fleets[2]), TARGETS, tree=None))),
    # its place among the targets
    ('the place of another host', shown('expected that of web-1', lambda p: place(
        SEVEN, 'db-2.example.com'))),
    ('another index', shown('place 2 among', lambda p: place(SEVEN, HOST, 2))),
    ('an index of no leaf', shown('place 7 among', lambda p: place(SEVEN, HOST, 7))),
    ('an earlier batch', shown('not in the tree', lambda p: p.replace(b'\n2 ', b'\n1 '))),
    ('a proof that is cut', shown('not in the tree', cut)),
    ('a proof that is cut within', shown('LF', lambda p: p[:-1])),
    ('a proof that goes on', shown('not in the tree', lambda p: p + p[-45:])),
    ('a proof without an end', shown('at most 1024', lambda p: p + p[-45:] * 30)),
    ('a place in another order', shown('not in the tree', lambda p: place(
        SEVEN.replace(b'db-2', b'db-3'), HOST))),
    ('a place in a larger tree', shown('not in the tree', lambda p: place(
        SEVEN + b'4 x.example.com\n', HOST))),
    ('a place in a tree of one', shown('not in the tree of 7', lambda p: place(TARGETS, HOST))),
    ('a tree of one that is another host\'s',
     lambda w: job(w, 'job: .*not in the tree of 1', order(
         2, name(fleets[2]), b'1 db-1.example.com\n'), shown=place(TARGETS, HOST))),
    ('all of TARGETS', shown('first line', lambda p: SEVEN)),
    ('no place', shown('first line', lambda p: b'')),
    ('an order and another bundle', j_other_bundle),
    ('an order back to an older version', j_rollback),
    ('a version that runs ahead', j_ahead),
    ('versions between that are missing', j_between),
    ('versions between without an end', j_endless_between),
    ('a fleet nobody signed', lambda w: (newer_fleet(w, keys=()), 'job: ')[1]),
    ('a fleet one signer short', lambda w: (newer_fleet(w, keys=('piet',)), 'job: ')[1]),
    ('a fleet signed by officers',
     lambda w: (newer_fleet(w, by='olga@example.com', keys=('olga', 'ivan')), 'job: ')[1]),
    ('a fleet that has expired', lambda w: (newer_fleet(w, expires=-40 * 86400), 'job: ')[1]),
    ('the pillar of another host', j_pillar),
    ('pillar that is kept back', j_no_pillar),
    ('a fleet with a file outside of it', lambda w: j_path(w, '../../../../etc/cron.d/x')),
    ('a fleet with a file of no fleet', lambda w: j_path(w, 'states/x.sh')),
    ('a MANIFEST out of order', reordered),
    ('a MANIFEST that is another', lambda w: swapped(w, 'job: .*not what', 'manifest')),
    ('a file that is another', lambda w: swapped(w, 'job: .*not what', 'states/base.yaml')),
    ('a file of a petabyte', j_giant),
    ('an object without an end', lambda w: endless(w, 'job: ', 10 ** 6)),
    ('an object of an exabyte', lambda w: endless(w, 'job: ', 10 ** 18)),
    # the protocol
    ('want that is cut off', raw_want('{"policy": {"version": "1"')),
    ('want that is a list', raw_want('[1, 2, 3]')),
    ('want that says a field twice', raw_want('{"seq":"1","seq":"1"}')),
    ('want that is deep', raw_want('{"a":' * 40 + '1' + '}' * 40)),
    ('want that is no text', raw_want('raw\n' + 'ff' * 64)),
    ('reports that were never made', lambda w: said(w, 'seq', '4711', 'reports: ')),
]


def stands():
    h = held()
    return {k: h.get(k) for k in ('policy', 'policy_version', 'fleet', 'fleet_version', 'job',
                                  'accept', 'host', 'renamed', 'krl', 'krl_next', 'krl_version', 'owed')}, \
        applied(), [read(DROPIN + '/' + f) for f in applied()], sha(read(STATE + '/certificate')), \
        len(reports('run'))


def reset():
    for f in glob.glob(PLAY + '/objects/*.more'):
        os.unlink(f)
    secret = PLAY + '/objects/' + sha(fleet_files(3)['pillar/secret.yaml'])
    if os.path.exists(secret):
        os.unlink(secret)
    for call, said in good_chains.items():
        answer(call, said)
    say(good)


def attack(what, make):
    before, n = stands(), len(reports('alarm'))
    w = copy.deepcopy(good)
    was = read(PLAY + '/want')
    expect = make(w)
    if read(PLAY + '/want') == was:
        say(w)
    try:
        wait('an alarm', lambda: len(reports('alarm')) > n)
        # Once more, as if it were news.
        if w != good:
            say(dict(w, asks=[]))
            time.sleep(0.15)
        got = newest_alarm()[n:]
        if len(got) != 1 or not re.search(expect, got[0]):
            raise Failed('alarms: %s' % got)
        if stands() != before:
            raise Failed('it is not as it was: %s %s' % (before, stands()))
        check('%s: %s' % (what, got[0][:100]), True)
    except Failed as e:
        check(what, False, e)
        print(read('agent.log').decode()[-2000:])
    reset()


try:
    begin()
    good_chains = {c: read(PLAY + '/' + c)
                   for c in ('chain.policy', 'chain.policy.1', 'chain.fleet', 'order')}
    for what, make in ATTACKS:
        attack(what, make)
    # And it goes on with an honest one.
    newer_fleet(good)
    n = len(reports('run'))
    say(good)
    wait('an order after all that', lambda: len(reports('run')) > n)
    check('an honest order after all that is carried out', held()['fleet_version'] == '3', held())
    # Other names since it was heard of: it follows one by one.
    earlier = {}
    an_accept(earlier, '', at=-10)
    a_rename(good, '', to='web-9.example.com', at=-2)
    a_rename(good, '', host='web-9.example.com', to=HOST, at=-1, before=good['renames'])
    say(good)
    wait('two names are taken', lambda: held().get('renamed') == good['renames'][1])
    check('a host that was renamed twice is who it was', held()['host'] == HOST, held())
    attack('the first of its renames again',
           lambda w: said(w, 'renames', good['renames'] + good['renames'][:1], 'rename: .*older'))
    a_rename(good, '', before=good['renames'])
    say(good)
    wait('another name is taken', lambda: held()['host'] == 'www.example.com')
    check('and then another one', True)
    certified = put(certificate(names='www.example.com'))
    say(dict(good, certificate=certified))
    have('and has a certificate for that name',
         lambda: sha(read(STATE + '/certificate').rstrip(b'\n')) == certified)
    good['certificate'] = certified
    attack('the name before that again',
           lambda w: a_rename(w, 'rename: .*this host is www', before=good['renames']))
    attack('an acceptance from before its renames',
           lambda w: said(w, 'accept', earlier['accept'], 'accept: .*older'))
    attack('a certificate for the name before', lambda w: a_cert(w, 'certificate: .*no name of'))
    now = b'1 www.example.com\n'
    # Whom a newer list revokes says nothing any more, though the policy has him.
    a_krl(good, '', b=krl_list(3, 'serial: 5\nkey: %s\n' % line('piet')))
    say(good)
    wait('a newer list is taken', lambda: held()['krl_version'] == '3')
    attack('an order by an operator who is revoked',
           lambda w: said(w, 'job', job_of(order(3, w['fleet']['statement'], now), now,
                                           place(now, 'www.example.com')),
                          'job: .*piet@example.com, SHA256:.*list 3 revokes'))
    attack('an acceptance by him', lambda w: an_accept(
        w, 'accept: .*piet@example.com, SHA256:.*revokes', by='piet@example.com', keys=('piet',)))
    attack('a rename by him', lambda w: a_rename(
        w, 'rename: .*piet@example.com, SHA256:.*revokes', by='piet@example.com', keys=('piet',),
        host='www.example.com', to='web-8.example.com', before=good['renames']))
    # What the master has need not be said again.
    good['seq'] = reports()[-1]['seq']
    say(good)
    answer('hello', {'now': 'soon'})
    agent.terminate()
    agent.wait()
    agent = begun_agent()
    attack('the name before, to an agent that was started anew', name_before)
    check('a time that is none changes nothing of what is known',
          10800 <= reports('alarm')[-1].get('clock', 0) < 14400, reports('alarm')[-1])
    agent.terminate()
    agent.wait()
    os.unlink(STATE + '/spool/clock')
    agent = begun_agent()
    # Started anew, it says again what the master is not known to have.
    seq, unknown = int(reports()[-1]['seq']), copy.deepcopy(good)
    name_before(unknown)
    say(unknown)
    wait('an alarm of an agent that knows nothing of the time',
         lambda: int(reports('alarm')[-1]['seq']) > seq)
    check('nor is it told', 'clock' not in reports('alarm')[-1], reports('alarm')[-1])
    check('%d attacks' % len(ATTACKS), len(ATTACKS) >= 40)
except (Failed, OSError, subprocess.CalledProcessError) as e:
    check('the table', False, repr(e))
    print(read('agent.log').decode()[-3000:])
    end()
    sys.exit(1)
end()
