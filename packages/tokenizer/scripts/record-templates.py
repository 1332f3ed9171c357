"""Records chat templates as Jinja itself renders them, in the environment of transformers' apply_chat_template.

    pip install jinja2==3.1.6
    python packages/tokenizer/scripts/record-templates.py

Reads test/fixtures/templates.json (name -> template, tokens), writes test/fixtures/rendered.json:
for each template the text of every conversation in CONVERSATIONS, or null where the template refuses it.
"""

import datetime
import json
import pathlib

from jinja2.exceptions import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

FIXTURES = pathlib.Path(__file__).parent.parent / "test" / "fixtures"


def turns(*contents, system=None):
    head = [] if system is None else [{"role": "system", "content": system}]
    return head + [{"role": "user" if i % 2 == 0 else "assistant", "content": c} for i, c in enumerate(contents)]


CONVERSATIONS = [
    turns("Hello"),
    turns("Hello", system="Be brief."),
    turns("Hello", "Hi there!", "How are you?"),
    turns("Hello", "Hi there!", "How are you?", "Fine.", "And now?", system="  You are\n a pirate.  "),
    turns("  leading and trailing \n\n"),
    turns("", ""),
    turns("line one\nline two\r\n\ttabbed", "```js\nlet x = '{{ y }}' + \"{% raw %}\";\n```", "|"),
    turns("What is 2+2?", "<think>\nTwo and two.\n</think>\n\nIt is 4.", "Sure?"),
    turns("a", "<think>x</think>  \n  kept indent", "b", "<think>\n\n</think>\n\nc", "d"),
    turns("emoji 👩🏽‍💻 e\u0301 中文 \u00a0\u3000\ufeff end\ufeff"),
    turns("\x1c strip me \x85"),
    turns("Hello", "An answer"),
    [{"role": "assistant", "content": "I begin"}, {"role": "user", "content": "ok"}],
    [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}],
    [{"role": "system", "content": "only system"}],
]


def environment():
    def raise_exception(message):
        raise TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: datetime.datetime(2026, 2, 3, 14, 5, 6).strftime(form)
    return env


def render(template, tokens, messages, add_generation_prompt):
    try:
        return template.render(messages=messages, tools=None, documents=None, add_generation_prompt=add_generation_prompt, **tokens)
    except TemplateError:
        return None


def main():
    templates = json.loads((FIXTURES / "templates.json").read_text("utf-8"))
    env = environment()
    rendered = {}
    for name, entry in templates.items():
        template = env.from_string(entry["template"])
        rendered[name] = [[render(template, entry["tokens"], messages, add) for add in (True, False)] for messages in CONVERSATIONS]
    data = {"conversations": CONVERSATIONS, "rendered": rendered}
    (FIXTURES / "rendered.json").write_text(json.dumps(data, ensure_ascii=True, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
