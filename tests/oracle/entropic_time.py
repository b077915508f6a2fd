"""Entropic time in NumPy and SciPy: what kairos' curves and schedules are compared with.

Notation (EDM frame): x_sigma = x_0 + sigma n, n ~ N(0, I_D).  err(sigma) is the squared
error E||x_0 - D(x_sigma; sigma)||^2 summed over all D dimensions, for which
    dH/dsigma = err / sigma^3      conditional entropy H(x_0 | x_sigma), in nats
    dS/dsigma = err / sigma^2      rescaled entropy (rate sigma * dH/dsigma)
An N-step schedule takes equal steps in the chosen time from sigma_max to sigma_min, then 0.
"""
import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq


def edm_sigmas(n, sigma_min=0.002, sigma_max=80.0, rho=7.0):
    """n noise levels, decreasing, without the final 0 (Karras et al. 2022, Eq. 5)."""
    i = np.arange(n)
    a, b = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (a + i / (n - 1) * (b - a)) ** rho


def gaussian_sigmas(n, c, sigma_min=0.002, sigma_max=80.0):
    """KL-optimal for data N(0, c^2 I): equal steps in arctan(sigma / c) (Sabour et al. 2024)."""
    i = np.arange(n)
    a, b = np.arctan(sigma_max / c), np.arctan(sigma_min / c)
    return c * np.tan(a + i / (n - 1) * (b - a))


def cumulative(sigma, rate, rule="cubic"):
    """Integral of rate d(sigma) from sigma[0] up to each sigma; sigma increasing.

    'cubic' integrates sigma * rate over ln sigma as a monotone cubic (PCHIP); 'left' is the plain
    Riemann sum over sigma that the paper used.
    """
    if rule == "left":
        return np.concatenate([[0.0], np.cumsum(rate[:-1] * np.diff(sigma))])
    u = np.log(sigma)
    return PchipInterpolator(u, sigma * rate).antiderivative()(u)


ORDERS = {"entropic": 3.0, "rescaled": 2.0}


def entropic_time(sigma, err, order, rule="cubic"):
    """Integral of err / sigma^p: order is p, or 'entropic' (H, p = 3) or 'rescaled' (S, p = 2).

    sigma increasing, err the squared error at sigma.
    """
    return cumulative(sigma, err / sigma ** ORDERS.get(order, order), rule)


def cumulative_at(sigma, rate, at, rule="cubic"):
    """The same integral up to any noise levels `at` in the range of sigma."""
    if rule == "left":
        return np.interp(at, sigma, cumulative(sigma, rate, rule))
    u = np.log(sigma)
    return PchipInterpolator(u, sigma * rate).antiderivative()(np.log(at))


def spectral_time(sigma, err_f, amplitude, rule="cubic", low=None, high=None):
    """err_f [T, F]: squared error per Fourier direction; amplitude [F]: mean |x_f| of the data.

    Each direction's rescaled entropy above that at `low` is scaled to 1 at `high` (the ends of sigma, if they are
    not given), then averaged by amplitude.
    """
    ends = [sigma[0] if low is None else low, sigma[-1] if high is None else high]
    total = np.zeros(len(sigma))
    for f in range(err_f.shape[1]):
        rate = err_f[:, f] / sigma ** 2
        start, end = cumulative_at(sigma, rate, ends, rule)
        total += amplitude[f] * (cumulative(sigma, rate, rule) - start) / (end - start)
    return total / amplitude.sum()


def invert(sigma, time, n):
    """n noise levels, decreasing, equally spaced in `time` (ln sigma as a monotone cubic of time)."""
    out = np.exp(PchipInterpolator(time, np.log(sigma))(np.linspace(time[-1], time[0], n)))
    out[0], out[-1] = sigma[-1], sigma[0]
    return out


def invert_between(sigma, time, low, high, n):
    """The same from `high` to `low`, which need be no levels of sigma."""
    inverse, levels = PchipInterpolator(time, np.log(sigma)), np.log(np.clip([high, low], sigma[0], sigma[-1]))
    ends = [brentq(lambda t: inverse(t) - u, time[0], time[-1], xtol=1e-14, rtol=1e-15) for u in levels]
    return np.exp(inverse(np.linspace(*ends, n)))


def error_from_logvar(sigma, u, dims, sigma_data=0.5):
    """Squared error implied by EDM2's learned uncertainty u(sigma); needs no data."""
    return dims * np.exp(u) * (sigma * sigma_data) ** 2 / (sigma ** 2 + sigma_data ** 2)
