class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Types,
    x: Union[Tensor, List[Tensor]],
    y: Any=3,
    d: Optional[Device]=None) -> Tensor:
    _0 = isinstance(x, list)
    if _0:
      x0 = unchecked_cast(List[Tensor], x)
      t = x0[0]
    else:
      t = unchecked_cast(Tensor, x)
    _1 = isinstance(y, (float, int))
    if _1:
      t0 = torch.add(t, 1)
    else:
      t0 = t
    n = int(torch.sum(t0))
    f = float(torch.max(t0))
    b = bool(torch.gt(torch.min(t0), 0))
    xs = annotate(List[int], torch.view(torch.to(t0, 4), [-1]).tolist())
    if b:
      k = torch.numel(t0)
    else:
      k = n
    if torch.__is__(d, None):
      ops.prim.RaiseException("no device", "builtins.RuntimeError")
    else:
      pass
    r = torch.add(torch.full([2, 2], -inf), torch.tensor([[1., 2.], [3., nan]]))
    _2 = torch.add(torch.add(torch.mul(r, f), k), xs[0])
    _3 = torch.add(torch.add(_2, 9223372036854775807), -9223372036854775808)
    _4 = torch.add(torch.add(_3, ops.prim.min(n, k)), ops.prim.max(f, 0.5))
    _5 = torch.add(torch.add(_4, ops.prim.abs(n)), torch.pow(2, n))
    _6 = torch.__or__(torch.__lshift__(n, 2), 1)
    return torch.add(_5, _6)
