class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  kind : __torch__.Kind
  level : __torch__.Level
  counter : __torch__.Counter
  block : __torch__.Block
  packed : __torch__.Packed
  blocks : __torch__.torch.nn.modules.container.ModuleDict
  def forward(self: __torch__.Classes,
    x: Tensor,
    kind: __torch__.Kind=__torch__.Kind.SMALL,
    key: str="one") -> Tensor:
    _0 = torch.eq(kind, __torch__.Kind.SMALL)
    if _0:
      _1 = True
    else:
      level = self.level
      _2 = torch.ne(level, __torch__.Level.HIGH)
      _1 = _2
    if _1:
      block = self.block
      x0 = (block).forward(x, )
    else:
      x0 = x
    kind0 = self.kind
    _3 = (kind0).value
    c = __torch__.Counter.__new__(__torch__.Counter)
    _4 = (c).__init__(_3, 1.5, )
    _5 = (c).add(2, )
    counter = self.counter
    _6 = torch.add(_5, (counter).add(1, ))
    kind1 = self.kind
    n = torch.add(_6, torch.len((kind1).name))
    y, m, = __torch__.helper(x0, 3, False, )
    def __forked_function():
      return __torch__.helper(y, n, True, )
    future = fork(__forked_function)
    _7 = __torch__.torch.autograd.grad_mode.no_grad.__new__(__torch__.torch.autograd.grad_mode.no_grad)
    _8 = (_7).__init__()
    with _7:
      y0 = torch.mul(y, 2)
    _9 = __torch__.Scope.__new__(__torch__.Scope)
    _10 = (_9).__init__("s", )
    with _9 as depth:
      y1 = torch.add(y0, depth)
    blocks = self.blocks
    one = blocks.one
    not_an_id = getattr(blocks, "not an id")
    y2 = (one).forward(y1, )
    y3 = (not_an_id).forward(y2, )
    z, _11, = torch.wait(future)
    blocks0 = self.blocks
    submodule : __torch__.Block = blocks0[key]
    y4 = (submodule).forward(y3, )
    packed = self.packed
    _12 = torch.slice(torch.slice(y4), 1, None, 4)
    _13 = torch.add((packed).forward(_12, ), torch.sum(z))
    return _13
class Counter:
  value : int
  step : float
  log : List[int]
  def __init__(self: __torch__.Counter,
    start: int,
    step: float=0.5) -> NoneType:
    self.value = start
    self.step = step
    self.log = annotate(List[int], [])
    return None
  def add(self: __torch__.Counter,
    k: int) -> int:
    value = self.value
    self.value = torch.add(value, k)
    log = self.log
    _14 = torch.append(log, k)
    return self.value
class Adder(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  k : int
  def forward(self: __torch__.Adder,
    x: Tensor) -> Tensor:
    k = self.k
    return torch.add(x, k)
class Packed(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  w : Tensor
  scale : float
  def forward(self: __torch__.Packed,
    x: Tensor) -> Tensor:
    w = self.w
    _15 = torch.mul(x, w)
    scale = self.scale
    return torch.mul(_15, scale)
  def __getstate__(self: __torch__.Packed) -> Tuple[Tensor, float, bool]:
    w = self.w
    scale = self.scale
    training = self.training
    return (w, scale, training)
  def __setstate__(self: __torch__.Packed,
    state: Tuple[Tensor, float, bool]) -> NoneType:
    self.w = (state)[0]
    self.scale = (state)[1]
    self.training = (state)[2]
    return None
class Kind(Enum):
  SMALL = 1
  LARGE = 2
class Level(Enum):
  LOW = "low"
  HIGH = "high"
class Block(ModuleInterface):
  def forward(self, x: Tensor) -> Tensor:
    pass
def helper(x: Tensor,
    n: int=3,
    flag: bool=True) -> Tuple[Tensor, int]:
  if flag:
    _16 = (torch.mul(x, n), n)
  else:
    _16 = (x, 0)
  return _16
class Scope:
  name : str
  depth : int
  def __enter__(self: __torch__.Scope) -> int:
    depth = self.depth
    self.depth = torch.add(depth, 1)
    return self.depth
  def __exit__(self: __torch__.Scope,
    a: Any,
    b: Any,
    c: Any) -> NoneType:
    depth = self.depth
    self.depth = torch.sub(depth, 1)
    return None
  def __init__(self: __torch__.Scope,
    name: str) -> NoneType:
    self.name = name
    self.depth = 0
    return None
