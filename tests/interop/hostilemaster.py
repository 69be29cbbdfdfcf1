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
    answer('chain.policy', {
        'roots': corp.roots() if roots is None else roots,
        'statement': statement.decode(), 'manifest': sha(manifest),
        'size': str(len(manifest))})
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


def job_of(statement, targets, **more):
    put(targets)
    return dict({'statement': put_statement(statement), 'targets': sha(targets),
                 'size': str(len(targets))}, **more)


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
                 targets=sha(targets), size=str(len(targets)), mode=mode,
                 max_failures='0', expires=when(expires))
    o.update(more)
    return sign(o, keys)


HOST = 'web-1.example.com'
TARGETS = ('1 %s\n' % HOST).encode()


def fleet_files(n, pillar=('common',), limit=None):
    files = {
        'fleet.yaml': b'hosts: {interval: 1h, splay: 10m}\nroles: {web: ["web-*"]}\n',
        'top.yaml': b'states:\n  - match: "*"\n    apply: [base]\n'
                    b'pillar:\n  - match: "*"\n    use: [common]\n'
                    b'  - match: "db-*"\n    use: [secret]\n',
        'states/base.yaml': b'cap:\n  pam_limits:\n    limits: [{domain: "@users", type: hard, item: nproc, value: %d}]\n' % (limit or 1000 + n),
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
agent = subprocess.Popen([O + '/writ-agent', 'run', '--config', T + '/agent.yaml',
                          '--state', STATE], stderr=open('agent.log', 'ab'))


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
    write(PLAY + '/hosts', '%s %s\n' % (print_of, HOST))
    answer('enrol', {'state': 'accepted', 'host': 'somebody-else', 'acceptance': accept.decode()})
    wait('the acceptance is taken', lambda: os.path.exists(STATE + '/held')
         and held().get('host') == HOST)
    check('the host is who the acceptance says', True)
    base['krl'] = krl_want(2, krl_list(2))
    say(base)
    have('a revocation list is taken', lambda: held().get('krl_version') == '2')
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


try:
    begin()
except (Failed, OSError, subprocess.CalledProcessError) as e:
    check('an honest master', False, repr(e))
    print(read('agent.log').decode()[-3000:])
    end()
    sys.exit(1)
end()
