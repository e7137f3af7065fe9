/**
 * A second protocol, for tests: objects in memory, no sockets, no bytes of a head. What tells of it comes in a later turn, as the
 * contract says (src/data/stream), and trailers are data.
 */
import { onTestFinished } from 'vitest';
import { SnapshotCell } from '../../../../src/boundary/snapshot-cell.ts';
import type { ExchangeDeps } from '../../../../src/data/exchange/exchange-deps.ts';
import { FanOutMemory } from '../../../../src/data/exchange/fan-out-memory.ts';
import { Observers, RequestMetrics } from '../../../../src/data/exchange/observers.ts';
import { startExchange } from '../../../../src/data/exchange/start-exchange.ts';
import { TunnelRegistry } from '../../../../src/data/forward/tunnel-registry.ts';
import { SocketTunnels } from '../../../../src/data/forward/tunnels.ts';
import { HoldQueues } from '../../../../src/data/placement/hold-queues.ts';
import { RuleRuntimes } from '../../../../src/data/placement/rule-runtime.ts';
import { RenamedBackends } from '../../../../src/data/renamed-backends.ts';
import type { AnswerSink, Carried, Client, Exchange, Written } from '../../../../src/data/stream/client.ts';
import type {
  ComposedHead,
  Fields,
  Piece,
  RequestMessage,
  ResponseMessage,
} from '../../../../src/data/stream/message.ts';
import type { ProblemDetails } from '../../../../src/data/stream/problem.ts';
import type { RawStream, StreamTerms } from '../../../../src/data/stream/raw.ts';
import type {
  Ask,
  BodySource,
  Taken,
  Upstream,
  UpstreamEvents,
  Upstreams,
} from '../../../../src/data/stream/upstream.ts';
import type { RuleConfig } from '../../../../src/model/config.ts';
import { FAILURES } from '../../../../src/model/failure.ts';
import type { Outcome } from '../../../../src/model/outcome.ts';
import type { PodView } from '../../../../src/model/pod.ts';
import type { RoutingSnapshot } from '../../../../src/model/snapshot.ts';
import { Metrics } from '../../../../src/observe/metrics.ts';
import { monotonicMs, systemClock } from '../../../../src/platform/clock.ts';
import { WorkSlices } from '../../../../src/platform/work-slices.ts';
import { backendConfig, configWith } from '../../../helpers/config.ts';
import { Changes } from '../../../helpers/waiting.ts';
import { backendOf, listenerOf, noTraffic, pod, rule } from '../../fixtures.ts';
import type { Asked, Asking, PodSide, Talk, Told, World, WorldOptions } from './world.ts';

const text = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (typeof piece === 'string' ? piece : piece.toString('latin1'))).join('');
/** Later, as what comes from a wire does. */
const later = (run: () => void): void => void setImmediate(run);
/** Characters that a client that takes nothing lets pass. */
const WINDOW = 65_536;

export async function memoryWorld(options: WorldOptions): Promise<World> {
  const views = Array.from({ length: options.pods }, (_, n) => pod(n));
  const backend = {
    ...backendConfig(),
    leader: {
      source: { type: 'Ordinal' as const, ordinal: 0 },
      onConflict: 'Refuse' as const,
      learn: options.learns ? [{ status: [421], location: false, header: null }] : [],
    },
  };
  let version = 0;
  let leader = options.leader ?? null;
  const listener = (rules: readonly Partial<RuleConfig>[]) =>
    listenerOf(rules.map((part, n) => ({ rule: rule(`r${n}`, part), hostname: null, match: null })));
  const inbound = {
    snapshot: listener([options.rule]),
    removed: false,
    ending: false,
    traffic: noTraffic(),
    fanOutMemory: new FanOutMemory(),
  };
  const snapshot = (): RoutingSnapshot => {
    const known = views.find(({ name }) => name === leader) ?? 'none';
    version++;
    return {
      version,
      config: configWith({ backends: [backend], listeners: [inbound.snapshot.config] }),
      configHash: 'test',
      backends: new Map([
        ['db', backendOf(views, known, { revision: version, reign: version, config: backend })],
      ]),
      listeners: [inbound.snapshot],
    };
  };
  const cell = new SnapshotCell(snapshot());
  const metrics = new Metrics();
  const outcomes: string[] = [];
  const queues = new HoldQueues(metrics, []);
  cell.subscribe((next, previous) => queues.follow(next, previous));
  const pods = views.map(() => new MemoryPod());
  const sink = { report: ({ kind }: Outcome) => void outcomes.push(kind) };
  const registry = new TunnelRegistry(cell);
  const deps: ExchangeDeps = {
    cell,
    outcomes: sink,
    clock: systemClock,
    random: Math.random,
    rules: new RuleRuntimes(metrics),
    renamed: new RenamedBackends(),
    holdQueue: (name) => queues.of(name),
    upstreams: new MemoryUpstreams(views, pods),
    tunnels: new MemoryTunnels(registry, { cell, outcomes: sink }),
    slices: new WorkSlices(),
    hopName: 'memory',
    draining: () => false,
    observer: new Observers([new RequestMetrics()]),
    connections: [],
  };
  const talks = new Set<MemoryTalk>();
  const ticking = setInterval(() => {
    for (const talk of talks) talk.tick(monotonicMs());
  }, 10);
  onTestFinished(() => {
    clearInterval(ticking);
    registry.close();
  });
  return {
    pods,
    outcomes: () => outcomes,
    async ask(asking) {
      const talk = new MemoryTalk(asking, (client, request, startedMs, sent) => {
        const started = startExchange(deps, client, request, inbound, startedMs, sent);
        if (!('start' in started)) throw new Error(`refused: ${started.failure}`);
        return started;
      });
      talks.add(talk);
      talk.open();
      return talk;
    },
    setLeader(name) {
      leader = name;
      cell.publish(snapshot());
    },
    async reload(rules) {
      inbound.snapshot = listener(rules);
      cell.publish(snapshot());
    },
    metric(name, ...labels) {
      const family = [...metrics.all()].find((one) => one.name === name)!;
      return [...family.cells()]
        .filter((one) => labels.every((label) => one.labels.includes(label)))
        .reduce((sum, one) => sum + (one as { value: number }).value, 0);
    },
  };
}

type Start = (
  client: Client,
  request: RequestMessage,
  startedMs: number,
  sent: boolean,
) => Exchange & { start(): void };

class MemoryTalk implements Talk, Client, AnswerSink {
  readonly peer = 'memory';
  readonly address = 'memory:1';
  bound = null;
  readonly answer = this;
  readonly #start: Start;
  readonly #request: RequestMessage & { readonly upgrade: string | undefined };
  readonly #asking: Asking;
  readonly #changes = new Changes();
  readonly #interims: number[] = [];
  #exchange: (Exchange & { start(): void }) | null = null;
  #isPaused = false;
  #unsent: [string, boolean][] = [];
  #isSlow: boolean;
  #waiting: (() => void)[] = [];
  #untaken = 0;
  #told: Omit<Told, 'interims'> = {
    status: 0,
    body: '',
    trailers: {},
    isWhole: false,
    failure: null,
    sent: null,
  };
  #isOver = false;
  #raw: MemoryRaw | null = null;
  #source: BodySource | null = null;

  constructor(asking: Asking, start: Start) {
    const { method, path = '/', body, upgrade, isSlow = false } = asking;
    this.#asking = asking;
    this.#start = start;
    this.#isSlow = isSlow;
    this.#request = {
      method,
      path,
      query: '',
      host: 'a',
      header: () => undefined,
      announcesBody: body !== undefined,
      contentLength: typeof body === 'string' ? body.length : -1,
      expectsContinue: false,
      via: null,
      upgrade,
    };
  }

  open(): void {
    this.#exchange = this.#start(this, this.#request, monotonicMs(), false);
    if (typeof this.#asking.body === 'string') this.#exchange.body([this.#asking.body], true);
    this.#exchange?.start();
  }

  tick(nowMs: number): void {
    if (this.#exchange !== null && nowMs >= this.#exchange.deadlineMs) this.#exchange.expire(nowMs);
  }

  send(said: string, isLast: boolean): void {
    if (this.#isPaused) this.#unsent.push([said, isLast]);
    else this.#exchange?.body(said === '' ? [] : [said], isLast);
  }

  leave(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.clientGone();
  }

  take(): void {
    this.#isSlow = false;
    for (const taken of this.#waiting.splice(0)) taken();
    this.#untaken = 0;
  }

  async told(): Promise<Told> {
    await this.#changes.until(() => this.#isOver || this.#told.status === 101, 'an answer', 10_000);
    return { ...this.#told, interims: this.#interims };
  }

  async says(said: string, hears: string): Promise<void> {
    this.#raw!.say(said);
    await this.#changes.until(() => this.#raw!.heard.includes(hears), `"${hears}"`);
  }

  pause(): void {
    this.#isPaused = true;
  }

  confirm(isThere: () => void): void {
    isThere();
  }

  resume(): void {
    this.#isPaused = false;
    for (const [said, isLast] of this.#unsent.splice(0)) this.send(said, isLast);
  }

  restart({ startedMs, sent, body, complete }: Carried): void {
    this.#exchange = this.#start(this, this.#request, startedMs, sent);
    if (body.length > 0) this.#exchange.body(body, complete);
    this.#exchange?.start();
  }

  abort(): void {
    this.leave();
    this.#finish({});
  }

  interim(head: ResponseMessage | null): void {
    this.#interims.push(head?.status ?? 100);
  }

  #finish(more: Partial<Told>): void {
    this.#exchange = null;
    this.#told = { ...this.#told, ...more };
    this.#isOver = true;
    this.#changes.changed();
  }

  #take(pieces: readonly Piece[]): number {
    const said = text(pieces);
    this.#told = { ...this.#told, body: this.#told.body + said };
    this.#untaken += said.length;
    return said.length;
  }

  get #isFull(): boolean {
    return this.#isSlow && this.#untaken > WINDOW;
  }

  begin(head: ResponseMessage, source: BodySource, pieces: readonly Piece[]): number {
    this.#told = { ...this.#told, status: head.status };
    this.#source = source;
    this.#changes.changed();
    return this.write(pieces);
  }

  compose({ status }: ComposedHead): void {
    this.#told = { ...this.#told, status };
  }

  write(pieces: readonly Piece[], taken?: (isBroken: boolean) => void): number {
    const bytes = this.#take(pieces);
    const source = this.#source;
    if (this.#isFull) {
      if (taken === undefined) source!.pause();
      this.#waiting.push(() => (taken === undefined ? source!.resume() : taken(false)));
    } else if (taken !== undefined) later(() => taken(false));
    return bytes;
  }

  end(trailers: Fields): void {
    this.#finish({ isWhole: true, trailers: Object.fromEntries(trailers) });
  }

  fail({ failure, sent, status }: ProblemDetails): Written {
    const own = status ?? FAILURES[failure].status;
    this.#told = { ...this.#told, status: own, failure, sent };
    return { status: own, bytes: 0 };
  }

  breakOff(): void {
    this.#finish({ isWhole: false });
  }

  takeOver(): RawStream {
    this.#exchange = null;
    this.#raw = new MemoryRaw(() => this.#changes.changed());
    return this.#raw;
  }
}

class MemoryPod implements PodSide {
  readonly #changes = new Changes();
  readonly #waiting: Asked[] = [];
  #isDown = false;
  requests = 0;

  goDown(): void {
    this.#isDown = true;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  take(asked: Asked): void {
    this.requests++;
    this.#waiting.push(asked);
    this.#changes.changed();
  }

  next(): Promise<Asked> {
    return this.#changes.until(() => this.#waiting.shift(), 'a request', 5000);
  }
}

class MemoryUpstreams implements Upstreams {
  readonly #views: readonly PodView[];
  readonly #pods: readonly MemoryPod[];

  constructor(views: readonly PodView[], pods: readonly MemoryPod[]) {
    this.#views = views;
    this.#pods = pods;
  }

  open(ask: Ask, events: UpstreamEvents): Upstream {
    const at = this.#views.findIndex(({ id }) => id === ask.pod.id);
    return new MemoryUpstream(ask, this.#pods[at]!, events);
  }

  inFlight(): number {
    return 0;
  }
}

class MemoryUpstream implements Upstream, Asked {
  readonly #request: RequestMessage;
  readonly #pod: MemoryPod;
  readonly #events: UpstreamEvents;
  received = '';
  isComplete = false;
  isGone = false;
  isHeldBack = false;
  #raw: MemoryRaw | null = null;
  #unread: (() => void)[] = [];

  constructor({ request }: Ask, to: MemoryPod, events: UpstreamEvents) {
    this.#request = request;
    this.#pod = to;
    this.#events = events;
    this.#tell(() => (to.isDown ? events.unopened('pod', 'refused') : events.opened()));
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return this.#request.path;
  }

  #tell(what: () => void): void {
    later(() => {
      if (this.isGone) return;
      if (this.isHeldBack) this.#unread.push(what);
      else what();
    });
  }

  send(pieces: readonly Piece[], isLast: boolean): Taken {
    const taken = this.write(pieces, isLast);
    this.#pod.take(this);
    return taken;
  }

  write(pieces: readonly Piece[], isLast: boolean): Taken {
    this.received += text(pieces);
    this.isComplete = isLast;
    return 'all';
  }

  whenFlushed(done: () => void): void {
    later(done);
  }

  abort(): void {
    this.isGone = true;
  }

  pause(): void {
    this.isHeldBack = true;
  }

  resume(): void {
    this.isHeldBack = false;
    for (const what of this.#unread.splice(0)) this.#tell(what);
  }

  lend(): null {
    return null;
  }

  takeOver(): RawStream {
    return this.#raw!;
  }

  #head(status: number, contentLength = -1): ResponseMessage {
    return { status, contentLength, headBytes: 0, header: () => undefined, fieldList: () => [] };
  }

  answer(status: number, body: string): void {
    this.#tell(() => {
      this.#events.head(this.#head(status, body.length));
      if (this.isGone) return;
      this.#events.received([body]);
      this.isGone = true;
      this.#events.ended([]);
    });
  }

  interim(status: number): void {
    this.#tell(() => this.#events.head(this.#head(status)));
  }

  begin(status: number): void {
    this.#tell(() => {
      this.#events.head(this.#head(status));
      if (!this.isGone) this.#events.received([]);
    });
  }

  data(said: string): void {
    this.#tell(() => this.#events.received([said]));
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    this.#tell(() => {
      this.isGone = true;
      this.#events.ended(Object.entries(trailers));
    });
  }

  breakOff(): void {
    this.#tell(() => {
      this.isGone = true;
      this.#events.broken('reset', 'broke off');
    });
  }

  switchTo(): void {
    this.#raw = new MemoryRaw((said) => later(() => this.#raw!.say(said.toUpperCase())));
    this.#tell(() => this.#events.head(this.#head(101)));
  }
}

/** One end of a tunnel: what the other says it hears. */
class MemoryRaw implements RawStream {
  heard = '';
  other: MemoryRaw | null = null;
  readonly #onHeard: (said: string) => void;

  constructor(onHeard: (said: string) => void) {
    this.#onHeard = onHeard;
  }

  say(said: string): void {
    const { other } = this;
    other!.heard += said;
    other!.#onHeard(said);
  }

  reset(): void {}
  close(): void {}
}

class MemoryTunnels extends SocketTunnels {
  override join(client: RawStream, upstream: RawStream, _terms: StreamTerms): void {
    (client as MemoryRaw).other = upstream as MemoryRaw;
    (upstream as MemoryRaw).other = client as MemoryRaw;
  }
}
