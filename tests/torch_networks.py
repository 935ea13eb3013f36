"""The field's networks in PyTorch, from the layer tables that their papers and repositories publish: the truth for imports.

Modules have the published names, so a ``state_dict`` is as the field's files have it. All take and return (N, 3, H, W) in
[0, 1], not clipped.
"""

import torch
from torch import nn
from torch.nn import functional as F

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


def conv(inputs, outputs, kernel=3):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def leaky(x, slope=0.2):
    return F.leaky_relu(x, slope)


class Dense(nn.Module):
    """Residual dense block of ESRGAN; ``wrapped`` as its first repository has it, each convolution in a Sequential."""

    def __init__(self, width, growth, wrapped=False):
        super().__init__()
        for k in range(1, 6):
            layer = conv(width + (k - 1) * growth, growth if k < 5 else width)
            setattr(self, f"conv{k}", nn.Sequential(layer) if wrapped else layer)

    def forward(self, x):
        seen = [x]
        for k in range(1, 5):
            seen.append(leaky(getattr(self, f"conv{k}")(torch.cat(seen, 1))))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class RRDB(nn.Module):
    def __init__(self, width, growth, name="rdb", wrapped=False):
        super().__init__()
        self.names = [f"{name}{k}" for k in (1, 2, 3)]
        for each in self.names:
            setattr(self, each, Dense(width, growth, wrapped))

    def forward(self, x):
        y = x
        for each in self.names:
            y = getattr(self, each)(y)
        return x + 0.2 * y


class RRDBNet(nn.Module):
    """In BasicSR's names, or those of ESRGAN's second repository (``older``)."""

    NEW = ("body", "rdb", "conv_body", "conv_up1", "conv_up2", "conv_hr")
    OLDER = ("RRDB_trunk", "RDB", "trunk_conv", "upconv1", "upconv2", "HRconv")

    def __init__(self, scale=4, width=8, blocks=2, growth=4, older=False):
        super().__init__()
        self.unshuffle = {4: 1, 2: 2, 1: 4}[scale]
        trunk, rdb, *self.names = self.OLDER if older else self.NEW
        self.conv_first = conv(3 * self.unshuffle**2, width)
        self.blocks = [RRDB(width, growth, rdb) for _ in range(blocks)]
        setattr(self, trunk, nn.Sequential(*self.blocks))
        for name in self.names:
            setattr(self, name, conv(width, width))
        self.conv_last = conv(width, 3)

    def forward(self, x):
        body, up1, up2, hr = (getattr(self, name) for name in self.names)
        y = first = self.conv_first(F.pixel_unshuffle(x, self.unshuffle))
        for block in self.blocks:
            y = block(y)
        y = first + body(y)
        for up in (up1, up2):
            y = leaky(up(F.interpolate(y, scale_factor=2, mode="nearest")))
        return self.conv_last(leaky(hr(y)))


class Shortcut(nn.Module):
    def __init__(self, sub):
        super().__init__()
        self.sub = sub

    def forward(self, x):
        return x + self.sub(x)


class FirstESRGAN(nn.Module):
    """As ESRGAN's first repository numbers it."""

    def __init__(self, doublings=2, width=8, blocks=2, growth=4):
        super().__init__()
        trunk = [*(RRDB(width, growth, "RDB", wrapped=True) for _ in range(blocks)), conv(width, width)]
        ups = [(nn.Upsample(scale_factor=2), conv(width, width), nn.LeakyReLU(0.2)) for _ in range(doublings)]
        last = conv(width, width), nn.LeakyReLU(0.2), conv(width, 3)
        self.model = nn.Sequential(
            conv(3, width), Shortcut(nn.Sequential(*trunk)), *(layer for up in ups for layer in up), *last
        )

    def forward(self, x):
        return self.model(x)


class SRVGGNetCompact(nn.Module):
    def __init__(self, scale=4, width=8, convolutions=3):
        super().__init__()
        self.scale = scale
        stack = [conv(3, width), nn.PReLU(width)]
        for _ in range(convolutions):
            stack += [conv(width, width), nn.PReLU(width)]
        self.body = nn.ModuleList([*stack, conv(width, 3 * scale**2)])

    def forward(self, x):
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y, self.scale) + F.interpolate(x, scale_factor=self.scale, mode="nearest")


class Residual(nn.Module):
    def __init__(self, width, scaling=1.0):
        super().__init__()
        self.scaling = scaling
        self.conv1, self.conv2 = conv(width, width), conv(width, width)

    def forward(self, x):
        return x + self.scaling * self.conv2(F.relu(self.conv1(x)))


class MSRResNet(nn.Module):
    """In BasicSR's names, or MMSR's (``older``)."""

    def __init__(self, scale=4, width=8, blocks=2, older=False):
        super().__init__()
        self.scale, (trunk, hr) = scale, ("recon_trunk", "HRconv") if older else ("body", "conv_hr")
        self.conv_first = conv(3, width)
        setattr(self, trunk, nn.Sequential(*(Residual(width) for _ in range(blocks))))
        setattr(self, hr, conv(width, width))
        self.trunk, self.hr = (lambda: getattr(self, trunk)), (lambda: getattr(self, hr))
        self.factors = {2: [2], 3: [3], 4: [2, 2]}[scale]
        for k, factor in enumerate(self.factors, start=1):
            setattr(self, f"upconv{k}", conv(width, factor**2 * width))
        self.conv_last = conv(width, 3)

    def forward(self, x):
        y = self.trunk()(leaky(self.conv_first(x), 0.1))
        for k, factor in enumerate(self.factors, start=1):
            y = leaky(F.pixel_shuffle(getattr(self, f"upconv{k}")(y), factor), 0.1)
        skip = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.conv_last(leaky(self.hr()(y), 0.1)) + skip


def upsampler(width, scale):
    layers = []
    for factor in {2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}[scale]:
        layers += [conv(width, factor**2 * width), nn.PixelShuffle(factor)]
    return layers


class EDSR(nn.Module):
    """In BasicSR's names, on 255 times the values less the mean of DIV2K."""

    def __init__(self, scale=4, width=8, blocks=2, scaling=1.0):
        super().__init__()
        self.conv_first, self.conv_last = conv(3, width), conv(width, 3)
        self.body = nn.Sequential(*(Residual(width, scaling) for _ in range(blocks)))
        self.conv_after_body = conv(width, width)
        self.upsample = nn.Sequential(*upsampler(width, scale))
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, x):
        y = self.conv_first(255.0 * (x - self.mean))
        y = self.conv_after_body(self.body(y)) + y
        return self.conv_last(self.upsample(y)) / 255.0 + self.mean


class MeanShift(nn.Conv2d):
    """Adds ``sign`` times a colour, of values up to 255."""

    def __init__(self, sign, mean):
        super().__init__(3, 3, 1)
        self.weight.data = torch.eye(3).reshape(3, 3, 1, 1)
        self.bias.data = sign * 255.0 * torch.tensor(mean)


class AuthorsResidual(nn.Module):
    def __init__(self, width, scaling):
        super().__init__()
        self.scaling = scaling
        self.body = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width))

    def forward(self, x):
        return x + self.scaling * self.body(x)


class AuthorsEDSR(nn.Module):
    """In the names of the authors' repository."""

    def __init__(self, scale=4, width=8, blocks=2, scaling=1.0, mean=DIV2K_MEAN):
        super().__init__()
        self.sub_mean, self.add_mean = MeanShift(-1, mean), MeanShift(1, mean)
        self.head = nn.Sequential(conv(3, width))
        self.body = nn.Sequential(*(AuthorsResidual(width, scaling) for _ in range(blocks)), conv(width, width))
        self.tail = nn.Sequential(nn.Sequential(*upsampler(width, scale)), conv(width, 3))

    def forward(self, x):
        y = self.head(self.sub_mean(255.0 * x))
        return self.add_mean(self.tail(self.body(y) + y)) / 255.0


class RDBConv(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        self.conv = nn.Sequential(conv(width, growth), nn.ReLU())

    def forward(self, x):
        return torch.cat((x, self.conv(x)), 1)


class RDB(nn.Module):
    def __init__(self, width, growth, convolutions):
        super().__init__()
        self.convs = nn.Sequential(*(RDBConv(width + k * growth, growth) for k in range(convolutions)))
        self.LFF = conv(width + convolutions * growth, width, 1)

    def forward(self, x):
        return x + self.LFF(self.convs(x))


class RDN(nn.Module):
    """On values up to 255, whose colours are not shifted."""

    def __init__(self, scale=4, width=8, blocks=3, convolutions=2):
        super().__init__()
        self.SFENet1, self.SFENet2 = conv(3, width), conv(width, width)
        self.RDBs = nn.ModuleList(RDB(width, width, convolutions) for _ in range(blocks))
        self.GFF = nn.Sequential(conv(blocks * width, width, 1), conv(width, width))
        self.UPNet = nn.Sequential(*upsampler(width, scale), conv(width, 3))

    def forward(self, x):
        first = self.SFENet1(255.0 * x)
        y, outputs = self.SFENet2(first), []
        for block in self.RDBs:
            y = block(y)
            outputs.append(y)
        return self.UPNet(first + self.GFF(torch.cat(outputs, 1))) / 255.0


def slope(layer):
    return nn.Sequential(layer, nn.PReLU(init=0.2))


class Feedback(nn.Module):
    def __init__(self, width, groups, scale):
        super().__init__()
        how = {"kernel_size": scale + 4, "stride": scale, "padding": 2}
        self.compress_in, self.compress_out = slope(conv(2 * width, width, 1)), slope(conv(groups * width, width, 1))
        self.upBlocks = nn.ModuleList(slope(nn.ConvTranspose2d(width, width, **how)) for _ in range(groups))
        self.downBlocks = nn.ModuleList(slope(nn.Conv2d(width, width, **how)) for _ in range(groups))
        self.uptranBlocks = nn.ModuleList(slope(conv(k * width, width, 1)) for k in range(2, groups + 1))
        self.downtranBlocks = nn.ModuleList(slope(conv(k * width, width, 1)) for k in range(2, groups + 1))

    def forward(self, x, state):
        small, large = [self.compress_in(torch.cat((x, state), 1))], []
        for k, (up, down) in enumerate(zip(self.upBlocks, self.downBlocks)):
            y = torch.cat(small, 1)
            large.append(up(self.uptranBlocks[k - 1](y) if k else y))
            y = torch.cat(large, 1)
            small.append(down(self.downtranBlocks[k - 1](y) if k else y))
        return self.compress_out(torch.cat(small[1:], 1))


class SRFBN(nn.Module):
    """In the names of the authors' repository; its answer is the fourth step's."""

    def __init__(self, scale=4, width=8, groups=3):
        super().__init__()
        self.scale = scale
        self.sub_mean, self.add_mean = MeanShift(-1, DIV2K_MEAN), MeanShift(1, DIV2K_MEAN)
        self.conv_in, self.feat_in = slope(conv(3, 4 * width)), slope(conv(4 * width, width, 1))
        self.block = Feedback(width, groups, scale)
        self.out = slope(nn.ConvTranspose2d(width, width, scale + 4, scale, 2))
        self.conv_out = nn.Sequential(conv(width, 3))

    def forward(self, x):
        x = self.sub_mean(255.0 * x)
        skip = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        state = features = self.feat_in(self.conv_in(x))
        for _ in range(4):
            state = self.block(features, state)
        return self.add_mean(skip + self.conv_out(self.out(state))) / 255.0
