class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  inner : __torch__.___torch_mangle_19.Adder
  def forward(self: __torch__.Hooked,
    x: Tensor) -> Tensor:
    _0 = __torch__.___torch_mangle_19.Adder.pre_hook
    _1 = __torch__.___torch_mangle_19.Adder.hook
    inner = self.inner
    _2 = _0(inner, (x,), )
    _3, = _2
    _4 = _1(inner, _2, (inner).forward(_3, ), )
    return _4
