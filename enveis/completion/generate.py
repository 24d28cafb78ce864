"""`make completion`: write both scripts from the arguments that the commands have now."""

from enveis.completion.bash_script import bash_script
from enveis.completion.call_shape import read_call_shapes, shape_of
from enveis.completion.command import BASH, ZSH
from enveis.completion.zsh_script import zsh_script
from enveis.stations import STATIONS, main_parser


def generate() -> tuple[str, str]:
    """Return the scripts for bash and for zsh."""
    shapes = read_call_shapes()
    common = shape_of("", "", main_parser())
    helps = {station: text for station, (_, text) in STATIONS.items()}
    return bash_script(shapes, common), zsh_script(shapes, helps, common)


if __name__ == "__main__":
    for path, text in zip((BASH, ZSH), generate(), strict=True):
        path.write_text(text, "utf-8")
