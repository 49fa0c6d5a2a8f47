class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  one : __torch__.Adder
  __annotations__["not an id"] = __torch__.Adder
  def __len__(self: __torch__.torch.nn.modules.container.ModuleDict) -> int:
    return 2
  def __contains__(self: __torch__.torch.nn.modules.container.ModuleDict,
    key: str) -> bool:
    _0 = torch.__contains__(["one", "not an id"], key)
    return _0
