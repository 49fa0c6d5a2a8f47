class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  table : Dict[str, List[int]]
  names : List[str]
  pair : Tuple[int, str]
  none : Optional[Tensor]
  empty : List[Tensor]
  point : Tuple[Tensor, int, float]
  by_int : Dict[int, float]
  nested : List[List[int]]
  flags : List[bool]
  shared : List[str]
  def forward(self: __torch__.Containers,
    x: Tensor,
    more: Optional[Dict[str, Tensor]]=None,
    scale: float=1.0000000000000001e-05,
    size: List[int]=[1, 2],
    flag: bool=False) -> Tuple[__torch__.Point, Dict[str, Tensor], List[Tensor]]:
    out = annotate(Dict[str, Tensor], {})
    if torch.__isnot__(more, None):
      more0 = unchecked_cast(Dict[str, Tensor], more)
      out0 = more0
    else:
      out0 = out
    table = self.table
    _0 = torch.keys(table)
    for _1 in range(torch.len(_0)):
      k = _0[_1]
      table0 = self.table
      _2 = torch.mul(x, torch.len(table0[k]))
      torch._set_item(out0, k, _2)
    parts = torch.split(x, 1)
    first = parts[0]
    second = parts[1]
    xs = [first, second]
    _3 = torch.append(xs, first)
    _4 = torch._set_item(xs, 0, second)
    ys = torch.slice(xs, 1)
    squares = annotate(List[int], [])
    for i in range(4):
      _5 = torch.append(squares, torch.mul(i, i))
    inv = annotate(Dict[str, int], {})
    for _6 in range(torch.len(squares)):
      i0 = squares[_6]
      torch._set_item(inv, str(i0), i0)
    _7 = torch.add(torch.add(2, squares[-1]), inv["1"])
    p = __torch__.Point(x, _7, 2.5)
    values, indices = torch.max(x, 1)
    _8 = torch.add(torch.mul(values, scale), size[0])
    torch._set_item(out0, "max", _8)
    torch.Delete(out0, "a")
    if torch.__contains__(out0, "b"):
      pair = self.pair
      _10 = (pair)[1]
      names = self.names
      _11 = torch.__not__(torch.__contains__(names, _10))
      _9 = _11
    else:
      _9 = False
    if _9:
      torch._set_item(out0, "n", torch.to(indices, 6))
    else:
      pass
    _12 = torch.add(ys, torch.slice(xs, None, 1))
    return (p, out0, _12)
  def share(self: __torch__.Containers) -> NoneType:
    names = self.names
    self.shared = names
    return None
class Point(NamedTuple):
  x : Tensor
  y : int
  z : Optional[float]
