class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  text : str
  def forward(self: __torch__.Strings,
    x: Tensor,
    name: str="a\n\t\"q\" \'r\' \\ \001\177") -> str:
    s = torch.format("{} of {}", name, torch.dim(x))
    f = torch.format("{}-{}", name, torch.size(x, 0))
    if torch.gt(torch.len(s), 100):
      ops.prim.RaiseException(torch.add("too long: ", s), "builtins.ValueError")
    else:
      pass
    if torch.gt(torch.dim(x), 0):
      pass
    else:
      _0 = torch.format("got {}", torch.dim(x))
      ops.prim.RaiseException(torch.add("AssertionError: ", _0))
    parts = torch.split(s, " ")
    _1 = torch.add(torch.upper(s), torch.slice(f, 1, -1))
    _2 = torch.percentFormat("%d %s", (1, "x"))
    _3 = torch.add(torch.add(_1, _2), torch.join(",", parts))
    text = self.text
    _4 = torch.add(torch.add(_3, text), CONSTANTS.c0)
    return _4
